import { TextField } from '@mui/material';
import { useState } from 'react';

import { useParams } from '~/shell/place';

interface FilterTextProps {
    /** The parameter of the address. */
    name: string;
    label: string;
}

/** A text that the server looks for, kept in the address. It counts when Enter is pressed or it is left. */
export function FilterText({ name, label }: FilterTextProps) {
    const [params] = useParams();
    const value = params.get(name) ?? '';
    return <Text key={value} name={name} label={label} value={value} />;
}

function Text({ name, label, value }: FilterTextProps & { value: string }) {
    const [, setParams] = useParams();
    const [text, setText] = useState(value);
    const commit = () => {
        if (text.trim() !== value) setParams({ [name]: text.trim(), page: null });
    };
    return (
        <TextField
            label={label}
            value={text}
            onChange={(event) => {
                setText(event.target.value);
            }}
            onBlur={commit}
            onKeyDown={(event) => {
                if (event.key === 'Enter') commit();
            }}
        />
    );
}
