import { MenuItem, TextField } from '@mui/material';

import { useParams } from '~/shell/place';

interface FilterChoiceProps {
    /** The parameter of the address. */
    name: string;
    label: string;
    /** What can be chosen, with what it is called; the first is what is meant without a choice. */
    options: Readonly<Record<string, string>>;
}

/** A choice that the server heeds, kept in the address. */
export function FilterChoice({ name, label, options }: FilterChoiceProps) {
    const [params, setParams] = useParams();
    const [usual = ''] = Object.keys(options);
    const asked = params.get(name) ?? usual;
    return (
        <TextField
            select
            label={label}
            value={asked in options ? asked : usual}
            onChange={(event) => {
                const next = event.target.value;
                setParams({ [name]: next === usual ? null : next, page: null });
            }}
            sx={{ minWidth: 140 }}
        >
            {Object.entries(options).map(([value, title]) => (
                <MenuItem key={value} value={value}>
                    {title}
                </MenuItem>
            ))}
        </TextField>
    );
}
