import { Table, TableBody, TableCell, TableHead, TableRow } from '@mui/material';
import { useState } from 'react';

import { api, LIVE_INTERVAL_MS } from '~/api/client';
import { Instant } from '~/components/Instant';
import { Pager } from '~/components/Pager';
import { Empty, Loaded } from '~/components/States';
import { StatusChip } from '~/components/StatusChip';
import { formatUsd } from '~/format/money';
import { formatCount } from '~/format/numbers';

const PAGE_ROWS = 25;
const HEIGHT_PX = 160;

interface SessionRequestsProps {
    sessionId: string;
    tenantId: number;
}

/** The requests of a session, newest first. */
export function SessionRequests({ sessionId, tenantId }: SessionRequestsProps) {
    const [page, setPage] = useState(0);
    const usage = api.useQuery(
        'get',
        '/admin/sessions/{session}/usage',
        {
            params: {
                path: { session: sessionId },
                query: { tenantId, page: page + 1, limit: PAGE_ROWS },
            },
        },
        { refetchInterval: LIVE_INTERVAL_MS, placeholderData: (before) => before },
    );
    return (
        <Loaded
            query={usage}
            height={HEIGHT_PX}
            isEmpty={(body) => body.usage.length === 0}
            empty={<Empty title="It has no request yet" height={HEIGHT_PX} />}
        >
            {(body) => (
                <>
                    <Table aria-label={`Requests of ${sessionId}`}>
                        <TableHead>
                            <TableRow>
                                <TableCell>Time</TableCell>
                                <TableCell>Route</TableCell>
                                <TableCell>Model</TableCell>
                                <TableCell>Status</TableCell>
                                <TableCell align="right">Tokens in / out</TableCell>
                                <TableCell align="right">Cost</TableCell>
                            </TableRow>
                        </TableHead>
                        <TableBody>
                            {body.usage.map((request) => (
                                <TableRow key={request.id}>
                                    <TableCell>
                                        <Instant at={request.timestamp} />
                                    </TableCell>
                                    <TableCell>{request.route}</TableCell>
                                    <TableCell>{request.model}</TableCell>
                                    <TableCell>
                                        <StatusChip status={request.status} />
                                    </TableCell>
                                    <TableCell align="right">
                                        {formatCount(request.promptTokens)} /{' '}
                                        {formatCount(request.completionTokens)}
                                    </TableCell>
                                    <TableCell align="right">{formatUsd(request.usd)}</TableCell>
                                </TableRow>
                            ))}
                        </TableBody>
                    </Table>
                    <Pager
                        page={page}
                        rows={PAGE_ROWS}
                        total={body.pagination.total}
                        onPage={setPage}
                    />
                </>
            )}
        </Loaded>
    );
}
