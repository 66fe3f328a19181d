import { TextField } from '@mui/material';
import { useState } from 'react';

interface TextFilterProps {
    label: string;
    value: string;
    disabled?: boolean;
    placeholder?: string;
    onChange: (value: string) => void;
}

/** What something has to have. It counts when Enter is pressed or it is left. */
export function TextFilter({ label, value, onChange, ...rest }: TextFilterProps) {
    const [text, setText] = useState(value);
    const commit = () => {
        if (text.trim() !== value) onChange(text.trim());
    };
    return (
        <TextField
            {...rest}
            label={label}
            value={text}
            onChange={(event) => {
                setText(event.target.value);
            }}
            onBlur={commit}
            onKeyDown={(event) => {
                if (event.key === 'Enter') commit();
            }}
            sx={{ width: 140 }}
        />
    );
}
