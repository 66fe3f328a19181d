import { Button, MenuItem, Stack, TextField, Typography } from '@mui/material';

import { Field } from '~/components/Field';
import { MoneyField } from '~/components/MoneyField';

import { KINDS, RATE_DECIMALS, TIERS, type Rate } from './price';

/** The most that one change may have. */
const RATES_MAX = 200;

/** A rate as it is typed. */
export interface RateDraft {
    tier: Rate['tier'];
    kind: Rate['kind'];
    above: string;
    price: string;
}

interface RatesEditorProps {
    rates: RateDraft[];
    onChange: (rates: RateDraft[]) => void;
}

/** Rates to be set beside the three base rates: of other tiers, kinds and lengths of input. */
export function RatesEditor({ rates, onChange }: RatesEditorProps) {
    const set = (index: number, change: Partial<RateDraft>) => {
        onChange(rates.map((rate, at) => (at === index ? { ...rate, ...change } : rate)));
    };
    return (
        <Stack component="fieldset" spacing={1.5} sx={{ border: 0, p: 0, m: 0, minWidth: 0 }}>
            <Typography component="legend" variant="body2" color="textSecondary">
                Other rates to be set. Those that are not named stay as they are.
            </Typography>
            {rates.map((rate, index) => (
                <Stack
                    key={index}
                    role="group"
                    aria-label={`Rate ${index + 1}`}
                    direction="row"
                    useFlexGap
                    spacing={1}
                    sx={{ flexWrap: 'wrap' }}
                >
                    <TextField
                        select
                        label="Tier"
                        value={rate.tier}
                        onChange={(event) => {
                            set(index, { tier: event.target.value as Rate['tier'] });
                        }}
                        sx={{ width: 110 }}
                    >
                        {TIERS.map((tier) => (
                            <MenuItem key={tier} value={tier}>
                                {tier}
                            </MenuItem>
                        ))}
                    </TextField>
                    <TextField
                        select
                        label="Kind"
                        value={rate.kind}
                        onChange={(event) => {
                            set(index, { kind: event.target.value as Rate['kind'] });
                        }}
                        sx={{ width: 160 }}
                    >
                        {KINDS.map((kind) => (
                            <MenuItem key={kind} value={kind}>
                                {kind.replaceAll('_', ' ')}
                            </MenuItem>
                        ))}
                    </TextField>
                    <Field
                        name={`rates/${index}/aboveInputTokens`}
                        label="Above tokens"
                        value={rate.above}
                        onChange={(above) => {
                            set(index, { above });
                        }}
                        slotProps={{ htmlInput: { inputMode: 'numeric', pattern: '[0-9]{1,10}' } }}
                        sx={{ width: 115 }}
                    />
                    <MoneyField
                        name={`rates/${index}/price`}
                        label="Per million"
                        required
                        decimals={RATE_DECIMALS}
                        value={rate.price}
                        onChange={(price) => {
                            set(index, { price });
                        }}
                        sx={{ width: 130 }}
                    />
                    <Button
                        color="error"
                        aria-label={`Leave rate ${index + 1} as it is`}
                        onClick={() => {
                            onChange(rates.filter((_rate, at) => at !== index));
                        }}
                    >
                        Drop
                    </Button>
                </Stack>
            ))}
            <Button
                disabled={rates.length >= RATES_MAX}
                onClick={() => {
                    onChange([...rates, { tier: 'batch', kind: 'input', above: '', price: '' }]);
                }}
                sx={{ alignSelf: 'start' }}
            >
                Set another rate
            </Button>
        </Stack>
    );
}

/** Rates as the API takes them. */
export function ratesOf(drafts: RateDraft[]) {
    return drafts.map(({ tier, kind, above, price }) => ({
        tier,
        kind,
        price,
        ...(above !== '' && { aboveInputTokens: above }),
    }));
}
