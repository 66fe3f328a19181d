import { MenuItem, TextField, type TextFieldProps } from '@mui/material';
import type { ReactNode } from 'react';

import { useFieldError } from './form';

interface FormFieldProps {
    /** As the API calls it. */
    name: string;
    label: string;
    value: string;
    onChange: (value: string) => void;
    required?: boolean;
    disabled?: boolean;
    multiline?: boolean;
    type?: 'text' | 'number' | 'date' | 'password';
    help?: ReactNode;
    /** What can be chosen, each with what it is called; without it, it is for text. */
    options?: Record<string, string>;
    /** Attributes of the input: limits, patterns. */
    html?: NonNullable<TextFieldProps['slotProps']>['htmlInput'];
}

/** A field of a form, with what the server says about it. */
export function FormField({ name, value, onChange, help, options, html, ...rest }: FormFieldProps) {
    const error = useFieldError(name);
    return (
        <TextField
            {...rest}
            name={name}
            value={value}
            fullWidth
            error={error !== null}
            helperText={error ?? help}
            select={options !== undefined}
            onChange={(event) => {
                onChange(event.target.value);
            }}
            slotProps={{
                htmlInput: html,
                formHelperText: { role: error === null ? undefined : 'alert' },
                inputLabel: rest.type === 'date' ? { shrink: true } : undefined,
            }}
        >
            {options &&
                Object.entries(options).map(([option, title]) => (
                    <MenuItem key={option} value={option}>
                        {title}
                    </MenuItem>
                ))}
        </TextField>
    );
}

/** What an input of dollars may hold: at most nine decimal places. */
export const USD_INPUT = { inputMode: 'decimal', pattern: '\\s*[0-9]*\\.?[0-9]{0,9}\\s*' } as const;
