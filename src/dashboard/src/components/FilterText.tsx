import { useParams } from '~/shell/place';

import { TextFilter } from './TextFilter';

interface FilterTextProps {
    /** The parameter of the address. */
    name: string;
    label: string;
}

/** A text that the server looks for, kept in the address. */
export function FilterText({ name, label }: FilterTextProps) {
    const [params, setParams] = useParams();
    const value = params.get(name) ?? '';
    return (
        <TextFilter
            key={value}
            label={label}
            value={value}
            onChange={(text) => {
                setParams({ [name]: text, page: null });
            }}
        />
    );
}
