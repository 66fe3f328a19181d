import KeyboardArrowDown from '@mui/icons-material/KeyboardArrowDown';
import KeyboardArrowRight from '@mui/icons-material/KeyboardArrowRight';
import {
    Button,
    Collapse,
    IconButton,
    MenuItem,
    Paper,
    Stack,
    Table,
    TableBody,
    TableCell,
    TableContainer,
    TableHead,
    TableRow,
    TextField,
    Typography,
} from '@mui/material';
import { useState } from 'react';

import { api, LIVE_INTERVAL_MS, type Schemas } from '~/api/client';
import { Instant } from '~/components/Instant';
import { Pager } from '~/components/Pager';
import { Empty, Loaded } from '~/components/States';
import { StatusChip } from '~/components/StatusChip';
import { TenantPage } from '~/components/TenantPage';
import { formatUsd } from '~/format/money';
import { formatCount } from '~/format/numbers';
import { useMay } from '~/session/session';
import { useParams, type Tenant } from '~/shell/place';

import { SessionBudgetDialog } from './SessionBudgetDialog';
import { SessionRequests } from './SessionRequests';

type Session = Schemas['SessionBody'];

const PAGE_ROWS = 25;
const STATUSES: Session['status'][] = ['active', 'budget_exceeded', 'completed', 'error'];

/** What callers' sessions cost, and what each may. */
export default function SessionsPage() {
    return (
        <TenantPage
            title="Sessions"
            about="Conversations and runs that callers name, and their budgets."
        >
            {(tenant) => <Sessions key={tenant.id} tenant={tenant} />}
        </TenantPage>
    );
}

function Sessions({ tenant }: { tenant: Tenant }) {
    const [params, setParams] = useParams();
    const status = STATUSES.find((known) => known === params.get('status'));
    const search = params.get('search') ?? undefined;
    // Pages of this route are counted from one.
    const page = Math.max(1, Number(params.get('page') ?? 1));
    const sessions = api.useQuery(
        'get',
        '/admin/tenant/{id}/sessions',
        { params: { path: { id: tenant.id }, query: { status, search, page, limit: PAGE_ROWS } } },
        { refetchInterval: LIVE_INTERVAL_MS, placeholderData: (before) => before },
    );
    return (
        <>
            <Stack direction="row" useFlexGap spacing={1} sx={{ flexWrap: 'wrap' }}>
                <TextField
                    label="Id or name"
                    defaultValue={search ?? ''}
                    onChange={(event) => {
                        setParams({ search: event.target.value.trim(), page: null });
                    }}
                />
                <TextField
                    select
                    label="Status"
                    value={status ?? 'all'}
                    onChange={(event) => {
                        const asked = event.target.value;
                        setParams({ status: asked === 'all' ? null : asked, page: null });
                    }}
                    sx={{ minWidth: 160 }}
                >
                    <MenuItem value="all">All</MenuItem>
                    {STATUSES.map((name) => (
                        <MenuItem key={name} value={name}>
                            {name.replaceAll('_', ' ')}
                        </MenuItem>
                    ))}
                </TextField>
            </Stack>
            <Loaded
                query={sessions}
                height={480}
                isEmpty={(body) => body.sessions.length === 0}
                empty={
                    <Empty title="There is no such session" height={480}>
                        Callers name a session by the header X-Session-Id.
                    </Empty>
                }
            >
                {(body) => (
                    <>
                        <TableContainer
                            component={Paper}
                            tabIndex={0}
                            role="region"
                            aria-label="Sessions"
                        >
                            <Table>
                                <TableHead>
                                    <TableRow>
                                        <TableCell />
                                        <TableCell>Session</TableCell>
                                        <TableCell>Status</TableCell>
                                        <TableCell>Begun</TableCell>
                                        <TableCell>Last used</TableCell>
                                        <TableCell align="right">Requests</TableCell>
                                        <TableCell align="right">Cost</TableCell>
                                        <TableCell align="right">Budget</TableCell>
                                    </TableRow>
                                </TableHead>
                                <TableBody>
                                    {body.sessions.map((session) => (
                                        <SessionRow
                                            key={session.sessionId}
                                            session={session}
                                            tenant={tenant}
                                        />
                                    ))}
                                </TableBody>
                            </Table>
                        </TableContainer>
                        <Pager
                            page={page - 1}
                            rows={PAGE_ROWS}
                            total={body.pagination.total}
                            onPage={(next) => {
                                setParams({ page: String(next + 1) }, { push: true });
                            }}
                        />
                    </>
                )}
            </Loaded>
        </>
    );
}

const COLUMNS = 8;

function SessionRow({ session, tenant }: { session: Session; tenant: Tenant }) {
    const [isOpen, setIsOpen] = useState(false);
    const [isSetting, setIsSetting] = useState(false);
    const maySet = useMay('operator');
    const title = session.name ?? session.sessionId;
    return (
        <>
            <TableRow hover>
                <TableCell padding="checkbox">
                    <IconButton
                        size="small"
                        aria-label={`Requests of ${title}`}
                        aria-expanded={isOpen}
                        onClick={() => {
                            setIsOpen(!isOpen);
                        }}
                    >
                        {isOpen ? <KeyboardArrowDown /> : <KeyboardArrowRight />}
                    </IconButton>
                </TableCell>
                <TableCell component="th" scope="row">
                    {title}
                    {session.name !== null && (
                        <Typography component="div" variant="caption" color="textSecondary">
                            {session.sessionId}
                        </Typography>
                    )}
                </TableCell>
                <TableCell>
                    <StatusChip status={session.status} />
                </TableCell>
                <TableCell>
                    <Instant at={session.createdAt} relative />
                </TableCell>
                <TableCell>
                    <Instant at={session.lastActiveAt} relative />
                </TableCell>
                <TableCell align="right">{formatCount(session.requestCount)}</TableCell>
                <TableCell align="right">{formatUsd(session.currentCostUsd)}</TableCell>
                <TableCell align="right">
                    {session.effectiveBudgetUsd === null
                        ? 'none'
                        : formatUsd(session.effectiveBudgetUsd)}
                    {maySet && (
                        <Button
                            size="small"
                            aria-label={`Budget of ${title}`}
                            onClick={() => {
                                setIsSetting(true);
                            }}
                        >
                            Set
                        </Button>
                    )}
                </TableCell>
            </TableRow>
            <TableRow>
                <TableCell colSpan={COLUMNS} sx={{ py: 0, ...(!isOpen && { borderBottom: 0 }) }}>
                    <Collapse in={isOpen} unmountOnExit>
                        <SessionRequests sessionId={session.sessionId} tenantId={tenant.id} />
                    </Collapse>
                </TableCell>
            </TableRow>
            {isSetting && (
                <SessionBudgetDialog
                    sessionId={session.sessionId}
                    tenantId={tenant.id}
                    onClose={() => {
                        setIsSetting(false);
                    }}
                />
            )}
        </>
    );
}
