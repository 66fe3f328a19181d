import { MenuItem, Stack } from '@mui/material';
import { useState } from 'react';

import { api, type Schemas } from '~/api/client';
import { Field } from '~/components/Field';
import { FormDialog } from '~/components/FormDialog';
import { MoneyField } from '~/components/MoneyField';

import { instantOf, PROVIDERS, RATE_DECIMALS, type Price, type Provider } from './price';
import { RatesEditor, ratesOf, type RateDraft } from './RatesEditor';
import { StartField } from './StartField';

const LENGTH_MAX = 200;
const NOT_BLANK = '.*\\S.*';

interface PriceDialogProps {
    /** The version that is changed; a model is added without one. */
    price?: Price;
    onClose: () => void;
}

/** What is typed; everything is text. */
interface Draft {
    model: string;
    provider: Provider;
    versionTag: string;
    mode: string;
    inputPrice: string;
    cachedInputPrice: string;
    outputPrice: string;
    maxInputTokens: string;
    maxOutputTokens: string;
}

function draftOf(price: Price | undefined): Draft {
    return {
        model: price?.model ?? '',
        provider: PROVIDERS.find((provider) => provider === price?.provider) ?? 'openai',
        versionTag: price?.versionTag ?? '',
        mode: price?.mode ?? 'chat',
        inputPrice: price?.inputPrice ?? '',
        cachedInputPrice: price?.cachedInputPrice ?? '',
        outputPrice: price?.outputPrice ?? '',
        maxInputTokens: price?.maxInputTokens?.toString() ?? '',
        maxOutputTokens: price?.maxOutputTokens?.toString() ?? '',
    };
}

/** What differs from the version before: the rest is the server's to keep. */
function changesOf(before: Draft, draft: Draft): Schemas['PriceUpdate'] {
    const names = Object.keys(draft) as (keyof Draft)[];
    const changed = names.filter((name) => draft[name].trim() !== before[name]);
    const entries = changed.map((name) => {
        const text = draft[name].trim();
        const isTokens = name === 'maxInputTokens' || name === 'maxOutputTokens';
        return [name, isTokens && text === '' ? null : text] as const;
    });
    return Object.fromEntries(entries);
}

/** Adds a model, or a version of a price. No version is ever written over. */
export function PriceDialog({ price, onClose }: PriceDialogProps) {
    const [draft, setDraft] = useState(() => draftOf(price));
    const [rates, setRates] = useState<RateDraft[]>([]);
    const [start, setStart] = useState('');
    const add = api.useMutation('post', '/admin/model-pricing');
    const change = api.useMutation('put', '/admin/model-pricing/{idOrModel}');
    const submit = () => {
        const rest = {
            effectiveFrom: instantOf(start),
            ...(rates.length > 0 && { rates: ratesOf(rates) }),
        };
        if (!price) {
            const { maxInputTokens, maxOutputTokens, ...fields } = draft;
            return add.mutateAsync({
                body: {
                    ...fields,
                    ...rest,
                    maxInputTokens: maxInputTokens || null,
                    maxOutputTokens: maxOutputTokens || null,
                },
            });
        }
        const params = { path: { idOrModel: String(price.id) } };
        return change.mutateAsync({
            params,
            body: { ...changesOf(draftOf(price), draft), ...rest },
        });
    };
    const set = (name: keyof Draft) => (value: string) => {
        setDraft((before) => ({ ...before, [name]: value }));
    };
    const text = (name: keyof Draft, label: string) => (
        <Field
            name={name}
            label={label}
            required
            value={draft[name]}
            onChange={set(name)}
            slotProps={{ htmlInput: { maxLength: LENGTH_MAX, pattern: NOT_BLANK } }}
            sx={{ flexGrow: 1 }}
        />
    );
    const money = (name: keyof Draft, label: string) => (
        <MoneyField
            name={name}
            label={label}
            required
            decimals={RATE_DECIMALS}
            value={draft[name]}
            onChange={set(name)}
            sx={{ flex: '1 1 140px' }}
        />
    );
    const tokens = (name: keyof Draft, label: string) => (
        <Field
            name={name}
            label={label}
            value={draft[name]}
            onChange={set(name)}
            slotProps={{ htmlInput: { inputMode: 'numeric', pattern: '\\s*[0-9]{0,10}\\s*' } }}
            sx={{ flex: '1 1 200px' }}
        />
    );
    return (
        <FormDialog
            title={price ? `New version of ${price.model}` : 'Add a model'}
            action={price ? 'Add the version' : 'Add'}
            onSubmit={submit}
            onClose={onClose}
        >
            {!price && (
                <Stack direction="row" spacing={1}>
                    {text('model', 'Model')}
                    <Field
                        select
                        name="provider"
                        label="Provider"
                        value={draft.provider}
                        onChange={set('provider')}
                        sx={{ minWidth: 130 }}
                    >
                        {PROVIDERS.map((provider) => (
                            <MenuItem key={provider} value={provider}>
                                {provider}
                            </MenuItem>
                        ))}
                    </Field>
                </Stack>
            )}
            <Stack direction="row" spacing={1}>
                {text('versionTag', 'Name of the version')}
                {text('mode', 'Kind of model')}
            </Stack>
            <Stack direction="row" useFlexGap spacing={1} sx={{ flexWrap: 'wrap' }}>
                {money('inputPrice', 'Input per million')}
                {money('cachedInputPrice', 'Cached per million')}
                {money('outputPrice', 'Output per million')}
            </Stack>
            <Stack direction="row" useFlexGap spacing={1} sx={{ flexWrap: 'wrap' }}>
                {tokens('maxInputTokens', 'Most input tokens')}
                {tokens('maxOutputTokens', 'Most output tokens')}
            </Stack>
            <RatesEditor rates={rates} onChange={setRates} />
            <StartField value={start} onChange={setStart} />
        </FormDialog>
    );
}
