import { Button, MenuItem, Stack, TextField } from '@mui/material';

import { TextFilter } from '~/components/TextFilter';
import { useParams } from '~/shell/place';

import { NO_FILTERS, STATUSES, TEXT_FILTERS, type LedgerView } from './filters';

const LABELS: Record<(typeof TEXT_FILTERS)[number], string> = {
    model: 'Model',
    provider: 'Provider',
    route: 'Route',
    keyId: 'Key number',
    minCost: 'Least cost',
    maxCost: 'Most cost',
};

/** What the server leaves out, kept in the address. Texts count when Enter is pressed or they are left. */
export function LedgerFilters({ view }: { view: LedgerView }) {
    const [params, setParams] = useParams();
    return (
        <Stack
            component="section"
            aria-label="Filters"
            direction="row"
            useFlexGap
            spacing={1}
            sx={{ flexWrap: 'wrap' }}
        >
            {TEXT_FILTERS.map((name) => (
                <TextFilter
                    key={`${name} ${params.get(name) ?? ''}`}
                    label={LABELS[name]}
                    value={params.get(name) ?? ''}
                    onChange={(value) => {
                        setParams({ [name]: value, page: null });
                    }}
                />
            ))}
            <TextField
                select
                label="Status"
                value={view.filters.status ?? 'all'}
                onChange={(event) => {
                    const asked = event.target.value;
                    setParams({ status: asked === 'all' ? null : asked, page: null });
                }}
                sx={{ minWidth: 130 }}
            >
                <MenuItem value="all">All</MenuItem>
                {STATUSES.map((status) => (
                    <MenuItem key={status} value={status}>
                        {status}
                    </MenuItem>
                ))}
            </TextField>
            <Button
                disabled={view.count === 0}
                onClick={() => {
                    setParams(NO_FILTERS);
                }}
            >
                Clear filters{view.count > 0 && ` (${view.count})`}
            </Button>
        </Stack>
    );
}
