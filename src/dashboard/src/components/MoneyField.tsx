import { InputAdornment, type TextFieldProps } from '@mui/material';

import { Field } from './Field';

interface MoneyFieldProps extends Pick<TextFieldProps, 'required' | 'helperText' | 'sx'> {
    name: string;
    label: string;
    value: string;
    onChange: (value: string) => void;
    /** As many as the server keeps. */
    decimals: number;
}

/** An amount in dollars, which stays the text that was typed: it is never a float. */
export function MoneyField({ decimals, ...props }: MoneyFieldProps) {
    return (
        <Field
            {...props}
            autoComplete="off"
            slotProps={{
                input: { startAdornment: <InputAdornment position="start">$</InputAdornment> },
                htmlInput: {
                    inputMode: 'decimal',
                    pattern: `\\s*([0-9]+(\\.[0-9]{0,${decimals}})?|\\.[0-9]{1,${decimals}})\\s*`,
                    title: `An amount with at most ${decimals} decimal places`,
                },
            }}
        />
    );
}
