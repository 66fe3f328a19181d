import {
    Box,
    Table,
    TableBody,
    TableCell,
    TableContainer,
    TableHead,
    TableRow,
} from '@mui/material';

import { api, LIVE_INTERVAL_MS, type Schemas } from '~/api/client';
import { Section } from '~/components/Section';
import { Empty, Loaded } from '~/components/States';
import { formatUsd } from '~/format/money';
import { formatCount, formatPercent } from '~/format/numbers';
import type { Range, Tenant } from '~/shell/place';

import { Sunburst, SUNBURST_PX } from './charts';

interface TagsProps {
    tenant: Tenant | null;
    range: Range;
}

/** Spending by tag, which belong to one tenant. */
export function Tags({ tenant, range }: TagsProps) {
    return (
        <Section title="Spend by tag">
            {tenant === null ? (
                <Empty title="Choose a tenant to see its tags" height={SUNBURST_PX} />
            ) : (
                <TagsOf tenant={tenant} range={range} />
            )}
        </Section>
    );
}

function TagsOf({ tenant, range }: { tenant: Tenant; range: Range }) {
    const analytics = api.useQuery(
        'get',
        '/admin/tenant/{id}/tag-analytics',
        { params: { path: { id: tenant.id }, query: range.query } },
        { refetchInterval: LIVE_INTERVAL_MS, placeholderData: (before) => before },
    );
    return (
        <Loaded
            query={analytics}
            height={SUNBURST_PX}
            isEmpty={(body) => body.usage.length === 0}
            empty={<Empty title="No request named a tag in this time" height={SUNBURST_PX} />}
        >
            {(body) => (
                <Box
                    sx={{
                        display: 'grid',
                        gap: 2,
                        gridTemplateColumns: { md: `${SUNBURST_PX}px 1fr` },
                    }}
                >
                    <Sunburst body={body} />
                    <TagTable body={body} />
                </Box>
            )}
        </Loaded>
    );
}

function TagTable({ body }: { body: Schemas['AnalyticsBody'] }) {
    return (
        <TableContainer tabIndex={0} role="region" aria-label="Spend by tag: table">
            <Table aria-label="Spend by tag">
                <TableHead>
                    <TableRow>
                        <TableCell>Tag</TableCell>
                        <TableCell align="right">Requests</TableCell>
                        <TableCell align="right">Cost</TableCell>
                        <TableCell align="right">Share</TableCell>
                    </TableRow>
                </TableHead>
                <TableBody>
                    {body.usage.map((tag) => (
                        <TableRow key={tag.tagId}>
                            <TableCell component="th" scope="row">
                                {tag.path}
                            </TableCell>
                            <TableCell align="right">{formatCount(tag.requests)}</TableCell>
                            <TableCell align="right">{formatUsd(tag.usage)}</TableCell>
                            <TableCell align="right">{formatPercent(tag.percentage)}</TableCell>
                        </TableRow>
                    ))}
                    <TableRow>
                        <TableCell component="th" scope="row">
                            All tagged requests
                        </TableCell>
                        <TableCell align="right">{formatCount(body.totalRequests)}</TableCell>
                        <TableCell align="right">{formatUsd(body.totalUsage)}</TableCell>
                        <TableCell />
                    </TableRow>
                </TableBody>
            </Table>
        </TableContainer>
    );
}
