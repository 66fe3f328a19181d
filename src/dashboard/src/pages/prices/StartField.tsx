import { Field } from '~/components/Field';
import { VIEWER_ZONE } from '~/format/dates';

interface StartFieldProps {
    value: string;
    onChange: (value: string) => void;
}

/** From when on a change holds. */
export function StartField({ value, onChange }: StartFieldProps) {
    return (
        <Field
            name="effectiveFrom"
            label="In force from"
            type="datetime-local"
            value={value}
            onChange={onChange}
            helperText={`At once if it is left empty. Time in ${VIEWER_ZONE}.`}
            slotProps={{ inputLabel: { shrink: true } }}
        />
    );
}
