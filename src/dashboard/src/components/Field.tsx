import { TextField, type TextFieldProps } from '@mui/material';

import { useFieldError } from './form';

type FieldProps = Omit<TextFieldProps, 'name' | 'value' | 'onChange' | 'error'> & {
    /** As the API calls it, so that what the server says of it is shown with it. */
    name: string;
    value: string;
    onChange: (value: string) => void;
};

/** A field of a form, with what the server found wrong with it. */
export function Field({ name, onChange, helperText, slotProps, ...props }: FieldProps) {
    const error = useFieldError(name);
    return (
        <TextField
            {...props}
            name={name}
            error={error !== null}
            helperText={error ?? helperText}
            slotProps={{
                ...slotProps,
                formHelperText: { role: error === null ? undefined : 'alert' },
            }}
            onChange={(event) => {
                onChange(event.target.value);
            }}
        />
    );
}
