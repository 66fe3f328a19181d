import Close from '@mui/icons-material/Close';
import {
    Chip,
    Drawer,
    IconButton,
    Stack,
    Table,
    TableBody,
    TableCell,
    TableHead,
    TableRow,
    Typography,
} from '@mui/material';
import { useId, useState } from 'react';

import { api } from '~/api/client';
import { Instant } from '~/components/Instant';
import { Pager } from '~/components/Pager';
import { Loaded } from '~/components/States';
import { formatExactUsd } from '~/format/money';
import { formatCount } from '~/format/numbers';

import { otherRates, type Price, type Provider } from './price';

const PAGE_ROWS = 20;
const HEIGHT_PX = 400;

interface HistoryDrawerProps {
    model: string;
    provider: Provider | undefined;
    onClose: () => void;
}

/** Every version of a price, the last to begin first. */
export function HistoryDrawer({ model, provider, onClose }: HistoryDrawerProps) {
    const id = useId();
    const [page, setPage] = useState(0);
    const history = api.useQuery('get', '/admin/model-pricing/{idOrModel}/history', {
        params: { path: { idOrModel: model }, query: { provider, page, limit: PAGE_ROWS } },
    });
    return (
        <Drawer
            anchor="right"
            open
            onClose={onClose}
            slotProps={{
                paper: {
                    role: 'dialog',
                    'aria-labelledby': id,
                    sx: { width: { xs: '100%', sm: 520 }, p: 2 },
                },
            }}
        >
            <Stack direction="row" sx={{ justifyContent: 'space-between', mb: 2 }}>
                <Typography variant="h2" id={id} sx={{ overflowWrap: 'anywhere' }}>
                    Versions of {model}
                </Typography>
                <IconButton aria-label="Close" size="small" onClick={onClose}>
                    <Close />
                </IconButton>
            </Stack>
            <Loaded query={history} height={HEIGHT_PX}>
                {({ data, total }) => (
                    <>
                        <Stack component="ol" spacing={2} sx={{ p: 0, m: 0, listStyle: 'none' }}>
                            {data.map((price, index) => (
                                <Version
                                    key={price.id}
                                    price={price}
                                    next={index > 0 ? data[index - 1] : undefined}
                                    now={history.dataUpdatedAt}
                                />
                            ))}
                        </Stack>
                        <Pager page={page} rows={PAGE_ROWS} total={total} onPage={setPage} />
                    </>
                )}
            </Loaded>
        </Drawer>
    );
}

interface VersionProps {
    price: Price;
    /** The one that begins after it. */
    next: Price | undefined;
    now: number;
}

function Version({ price, next, now }: VersionProps) {
    const begins = new Date(price.effectiveFrom).getTime();
    const isOver = next !== undefined && new Date(next.effectiveFrom).getTime() <= now;
    const state = begins > now ? 'scheduled' : isOver ? 'past' : 'in force';
    const rates = otherRates(price);
    return (
        <Stack component="li" spacing={0.5} data-testid="version">
            <Stack direction="row" useFlexGap spacing={1} sx={{ flexWrap: 'wrap' }}>
                <Typography component="span" sx={{ fontWeight: 600 }}>
                    {price.versionTag}
                </Typography>
                <Chip size="small" label={state} variant="outlined" />
                {price.isRetired && <Chip size="small" label="retired" color="warning" />}
            </Stack>
            <Typography variant="body2" color="textSecondary">
                Number {price.id}, from <Instant at={price.effectiveFrom} />, {price.source}
            </Typography>
            <Table aria-label={`Rates of version ${price.id}`}>
                <TableHead>
                    <TableRow>
                        <TableCell>Rate</TableCell>
                        <TableCell align="right">Per million</TableCell>
                    </TableRow>
                </TableHead>
                <TableBody>
                    <RateRow name="input" price={price.inputPrice} />
                    <RateRow name="cached input" price={price.cachedInputPrice} />
                    <RateRow name="output" price={price.outputPrice} />
                    {rates.map(({ tier, kind, aboveInputTokens, price: rate }) => (
                        <RateRow
                            key={`${tier} ${kind} ${aboveInputTokens}`}
                            name={`${kind.replaceAll('_', ' ')}, ${tier}${
                                aboveInputTokens > 0
                                    ? `, above ${formatCount(aboveInputTokens)} tokens`
                                    : ''
                            }`}
                            price={rate}
                        />
                    ))}
                </TableBody>
            </Table>
        </Stack>
    );
}

function RateRow({ name, price }: { name: string; price: string }) {
    return (
        <TableRow>
            <TableCell component="th" scope="row">
                {name}
            </TableCell>
            <TableCell align="right">{formatExactUsd(price)}</TableCell>
        </TableRow>
    );
}
