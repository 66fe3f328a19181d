import { MenuItem, TextField } from '@mui/material';

import { isRangeName, RANGES } from '~/format/ranges';
import { useParams, type Range } from '~/shell/place';

/** The choice of a time range, kept in the address. */
export function RangeSelect({ range }: { range: Range }) {
    const [, setParams] = useParams();
    const { startDate, endDate } = range.days;
    const pick = (name: string) => {
        if (!isRangeName(name)) return;
        const isCustom = name === 'custom';
        setParams({
            range: name,
            from: isCustom ? startDate : null,
            to: isCustom ? endDate : null,
            page: null,
        });
    };
    return (
        <>
            <TextField
                select
                label="Time"
                value={range.name}
                onChange={(event) => {
                    pick(event.target.value);
                }}
                helperText={`Days in ${range.zone}`}
                sx={{ minWidth: 150 }}
            >
                {Object.entries(RANGES).map(([name, title]) => (
                    <MenuItem key={name} value={name}>
                        {title}
                    </MenuItem>
                ))}
            </TextField>
            {range.name === 'custom' && (
                <>
                    <TextField
                        type="date"
                        label="From"
                        value={startDate}
                        onChange={(event) => {
                            setParams({ from: event.target.value, page: null });
                        }}
                        slotProps={{ htmlInput: { max: endDate }, inputLabel: { shrink: true } }}
                    />
                    <TextField
                        type="date"
                        label="To"
                        value={endDate}
                        onChange={(event) => {
                            setParams({ to: event.target.value, page: null });
                        }}
                        slotProps={{ htmlInput: { min: startDate }, inputLabel: { shrink: true } }}
                    />
                </>
            )}
        </>
    );
}
