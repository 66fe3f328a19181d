import type { Schemas } from '~/api/client';

export type Price = Schemas['PriceBody'];
export type Rate = Price['rates'][number];

/** As the API names the providers that prices can be had of. */
export const PROVIDERS = ['openai', 'anthropic', 'google'] as const;
export type Provider = (typeof PROVIDERS)[number];

export const TIERS: Rate['tier'][] = ['standard', 'batch', 'flex', 'priority'];
export const KINDS: Rate['kind'][] = [
    'input',
    'cached_input',
    'cache_write',
    'cache_write_1h',
    'output',
    'reasoning_output',
    'audio_input',
    'audio_output',
    'image_input',
    'image_output',
    'web_search_call',
    'cache_storage',
];

/** As many decimal places as a rate in dollars per million units has. */
export const RATE_DECIMALS = 6;

const BASE: Rate['kind'][] = ['input', 'cached_input', 'output'];

export function providerOf(text: string | null): Provider | undefined {
    return PROVIDERS.find((provider) => provider === text);
}

/** The rates that have no field of their own. */
export function otherRates(price: Price): Rate[] {
    return price.rates.filter(
        ({ tier, kind, aboveInputTokens }) =>
            tier !== 'standard' || aboveInputTokens !== 0 || !BASE.includes(kind),
    );
}

/** The instant that was chosen in the viewer's zone; nothing for "at once". */
export function instantOf(local: string): string | undefined {
    return local === '' ? undefined : new Date(local).toISOString();
}
