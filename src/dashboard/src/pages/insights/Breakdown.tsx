import { Table, TableBody, TableCell, TableContainer, TableHead, TableRow } from '@mui/material';
import type { SxProps, Theme } from '@mui/material';

import type { Schemas } from '~/api/client';
import { Section } from '~/components/Section';
import { Empty, Loaded } from '~/components/States';
import { formatUsd } from '~/format/money';
import { formatCount, formatPercent } from '~/format/numbers';

import { SpendChart } from './charts';
import { useBreakdown, type Asked, type Dimension } from './useBreakdown';

type Row = Schemas['BreakdownRowBody'];

const HEIGHT_PX = 420;
/** Rows by the hundred: styled here once, as cells of their own would take most of the page's time. */
const ROWS: SxProps<Theme> = (theme) => ({
    '& tbody :is(th, td)': {
        ...theme.typography.body2,
        padding: theme.spacing(0.75, 2),
        borderBottom: `1px solid ${(theme.vars ?? theme).palette.divider}`,
        textAlign: 'right',
    },
    '& tbody th': { fontWeight: 400, textAlign: 'left', overflowWrap: 'anywhere' },
});

const HEADS: Record<Dimension, string> = {
    day: 'Day',
    tenant: 'Tenant',
    key: 'Key',
    provider: 'Provider',
    model: 'Model',
    route: 'Route',
    status: 'Status',
};

interface BreakdownProps {
    title: string;
    by: Dimension;
    asked: Asked;
}

function nameOf(row: Row, by: Dimension): string {
    switch (by) {
        case 'day':
            return row.day ?? '';
        case 'tenant':
            return row.tenant ?? '';
        case 'key':
            return `${row.apiKeyName ?? ''} (${row.apiKeyPrefix ?? row.apiKeyId ?? ''}…)`;
        case 'provider':
            return row.provider ?? '';
        case 'model':
            return row.model ?? '';
        case 'route':
            return row.route ?? '';
        case 'status':
            return row.status ?? '';
    }
}

/** Spending by one dimension: a chart, and a table with the same figures. */
export function Breakdown({ title, by, asked }: BreakdownProps) {
    const breakdown = useBreakdown(by, asked);
    return (
        <Section title={title}>
            <Loaded
                query={breakdown}
                height={HEIGHT_PX}
                isEmpty={(body) => body.rows.length === 0}
                empty={<Empty title="Nothing was used in this time" height={HEIGHT_PX} />}
            >
                {(body) => (
                    <>
                        <SpendChart
                            points={body.rows.map((row) => ({
                                name: nameOf(row, by),
                                usd: row.costUsd,
                            }))}
                            isOverTime={by === 'day'}
                        />
                        <Figures title={title} by={by} body={body} />
                    </>
                )}
            </Loaded>
        </Section>
    );
}

interface FiguresProps {
    title: string;
    by: Dimension;
    body: Schemas['BreakdownBody'];
}

function Figures({ title, by, body }: FiguresProps) {
    const { rest, totals } = body;
    return (
        <TableContainer
            sx={{ maxHeight: 260 }}
            tabIndex={0}
            role="region"
            aria-label={`${title}: table`}
        >
            <Table stickyHeader aria-label={title} sx={ROWS}>
                <TableHead>
                    <TableRow>
                        <TableCell>{HEADS[by]}</TableCell>
                        <TableCell align="right">Requests</TableCell>
                        <TableCell align="right">Tokens in / out</TableCell>
                        <TableCell align="right">Cost</TableCell>
                        <TableCell align="right">Share</TableCell>
                    </TableRow>
                </TableHead>
                <TableBody>
                    {body.rows.map((row) => (
                        <FigureRow
                            key={`${nameOf(row, by)} ${row.apiKeyId ?? row.tenantId ?? ''}`}
                            name={nameOf(row, by)}
                            sums={row}
                            share={row.percentage}
                        />
                    ))}
                    {rest.rows > 0 && (
                        <FigureRow name={`${rest.rows} more`} sums={rest} share={rest.percentage} />
                    )}
                    <FigureRow name="Total" sums={totals} />
                </TableBody>
            </Table>
        </TableContainer>
    );
}

interface FigureRowProps {
    name: string;
    sums: Schemas['UsageSumsBody'];
    share?: number;
}

function FigureRow({ name, sums, share }: FigureRowProps) {
    return (
        <tr>
            <th scope="row">{name}</th>
            <td>{formatCount(sums.requests)}</td>
            <td>
                {formatCount(sums.inputTokens)} / {formatCount(sums.outputTokens)}
            </td>
            <td title={`$${sums.costUsd}`}>{formatUsd(sums.costUsd)}</td>
            <td>{share === undefined ? '' : formatPercent(share)}</td>
        </tr>
    );
}
