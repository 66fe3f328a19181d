import { MenuItem, type TextFieldProps } from '@mui/material';
import type { ReactNode } from 'react';

import { Field } from './Field';

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

/** A field as wide as its form, for a text or for a choice. */
export function FormField({ help, options, html, ...rest }: FormFieldProps) {
    return (
        <Field
            {...rest}
            fullWidth
            helperText={help}
            select={options !== undefined}
            slotProps={{
                htmlInput: html,
                inputLabel: rest.type === 'date' ? { shrink: true } : undefined,
            }}
        >
            {options &&
                Object.entries(options).map(([option, title]) => (
                    <MenuItem key={option} value={option}>
                        {title}
                    </MenuItem>
                ))}
        </Field>
    );
}

/** What an input of dollars may hold: at most nine decimal places. */
export const USD_INPUT = { inputMode: 'decimal', pattern: '\\s*[0-9]*\\.?[0-9]{0,9}\\s*' } as const;
