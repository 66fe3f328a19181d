import { TextField, type TextFieldProps } from '@mui/material';
import { use } from 'react';

import { FaultContext } from './fault';

type FieldProps = Omit<TextFieldProps, 'name' | 'value' | 'onChange' | 'error'> & {
    /** As the API calls it, so that what the server says of it is shown with it. */
    name: string;
    value: string;
    onChange: (value: string) => void;
};

/** A field of a form, with what the server found wrong with it. */
export function Field({ name, onChange, helperText, ...props }: FieldProps) {
    const fault = use(FaultContext);
    const isWrong = fault?.field === name;
    return (
        <TextField
            {...props}
            name={name}
            error={isWrong}
            helperText={isWrong ? fault.message : helperText}
            onChange={(event) => {
                onChange(event.target.value);
            }}
        />
    );
}
