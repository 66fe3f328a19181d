import KeyboardArrowDown from '@mui/icons-material/KeyboardArrowDown';
import KeyboardArrowRight from '@mui/icons-material/KeyboardArrowRight';
import {
    Button,
    Collapse,
    IconButton,
    Stack,
    Table,
    TableBody,
    TableCell,
    TableHead,
    TableRow,
    Typography,
} from '@mui/material';
import { useState } from 'react';

import { api, SLOW_INTERVAL_MS } from '~/api/client';
import { Instant } from '~/components/Instant';
import { ListTable } from '~/components/ListTable';
import { Page } from '~/components/Page';
import { RangeSelect } from '~/components/RangeSelect';
import { Empty, Loaded } from '~/components/States';
import { TenantSelect } from '~/components/TenantSelect';
import {
    useChosenTenant,
    useParams,
    useRange,
    useTenants,
    type Range,
    type Tenant,
} from '~/shell/place';

import { AuditFilters } from './AuditFilters';
import { changesOf, type Change, type Entry } from './changes';
import { ACTORS, queryOf } from './filters';

const PAGE_ROWS = 50;
const HEIGHT_PX = 480;
const HEADS = ['', 'Time', 'Who', 'What', 'To', 'Tenant', 'From'];

/** Who changed what, newest first. */
export default function AuditPage() {
    const range = useRange();
    const tenants = useTenants();
    return (
        <Page
            title="Audit log"
            about="Who changed what, and from where. Nothing in it can be changed."
            actions={
                <>
                    <RangeSelect range={range} />
                    <TenantSelect withAll />
                </>
            }
        >
            <AuditFilters />
            {/* Which tenant the address means has to be known first, else all are shown and go again. */}
            <Loaded query={tenants} height={HEIGHT_PX}>
                {(all) => <Log range={range} tenants={all} />}
            </Loaded>
        </Page>
    );
}

function Log({ range, tenants }: { range: Range; tenants: Tenant[] }) {
    const tenant = useChosenTenant();
    const [params, setParams] = useParams();
    const query = { ...range.query, ...queryOf(params), tenantId: tenant?.id, limit: PAGE_ROWS };
    const log = api.useQuery(
        'get',
        '/admin/audit',
        { params: { query } },
        { refetchInterval: SLOW_INTERVAL_MS, placeholderData: (before) => before },
    );
    const isFirst = !params.has('page');
    return (
        <Loaded
            query={log}
            height={HEIGHT_PX}
            isEmpty={(body) => body.data.length === 0}
            empty={<Empty title="Nothing like this was done" height={HEIGHT_PX} />}
        >
            {(body) => (
                <>
                    <ListTable label="Audit log" heads={HEADS}>
                        {body.data.map((entry) => (
                            <EntryRows key={entry.id} entry={entry} tenants={tenants} />
                        ))}
                    </ListTable>
                    <Stack direction="row" spacing={1} sx={{ justifyContent: 'center' }}>
                        <Button
                            disabled={isFirst}
                            onClick={() => {
                                setParams({ page: null }, { push: true });
                            }}
                        >
                            Newest
                        </Button>
                        <Button
                            disabled={body.next === null || log.isPlaceholderData}
                            onClick={() => {
                                setParams({ page: body.next }, { push: true });
                            }}
                        >
                            Older
                        </Button>
                    </Stack>
                </>
            )}
        </Loaded>
    );
}

function EntryRows({ entry, tenants }: { entry: Entry; tenants: Tenant[] }) {
    const [isOpen, setIsOpen] = useState(false);
    const { actor, target, tenantId } = entry;
    const of = tenants.find(({ id }) => id === tenantId)?.name;
    const changes = changesOf(entry);
    return (
        <>
            <TableRow hover>
                <TableCell padding="checkbox">
                    {changes.length > 0 && (
                        <IconButton
                            size="small"
                            aria-label={`What ${entry.action} changed`}
                            aria-expanded={isOpen}
                            onClick={() => {
                                setIsOpen(!isOpen);
                            }}
                        >
                            {isOpen ? <KeyboardArrowDown /> : <KeyboardArrowRight />}
                        </IconButton>
                    )}
                </TableCell>
                <TableCell>
                    <Instant at={entry.at} />
                </TableCell>
                <TableCell sx={{ overflowWrap: 'anywhere' }}>
                    {actor.name ?? ACTORS[actor.kind]}
                </TableCell>
                <TableCell component="th" scope="row">
                    {entry.action}
                </TableCell>
                <TableCell>
                    {target.kind} {target.id}
                </TableCell>
                <TableCell>{tenantId === null ? '–' : (of ?? `number ${tenantId}`)}</TableCell>
                <TableCell>{entry.address ?? '–'}</TableCell>
            </TableRow>
            <TableRow>
                <TableCell
                    colSpan={HEADS.length}
                    sx={{ py: 0, ...(!isOpen && { borderBottom: 0 }) }}
                >
                    <Collapse in={isOpen} unmountOnExit>
                        <Changes label={`Changes by ${entry.action}`} changes={changes} />
                    </Collapse>
                </TableCell>
            </TableRow>
        </>
    );
}

function Changes({ label, changes }: { label: string; changes: Change[] }) {
    return (
        <Table aria-label={label} sx={{ mb: 1 }}>
            <TableHead>
                <TableRow>
                    <TableCell>Field</TableCell>
                    <TableCell>Before</TableCell>
                    <TableCell>After</TableCell>
                </TableRow>
            </TableHead>
            <TableBody>
                {changes.map(({ column, before, after }) => (
                    <TableRow key={column}>
                        <TableCell component="th" scope="row">
                            {column}
                        </TableCell>
                        <TableCell>
                            <Value text={before} />
                        </TableCell>
                        <TableCell>
                            <Value text={after} />
                        </TableCell>
                    </TableRow>
                ))}
            </TableBody>
        </Table>
    );
}

function Value({ text }: { text: string | null }) {
    if (text === null) return <span>–</span>;
    return (
        <Typography
            component="code"
            variant="body2"
            sx={{ fontFamily: 'monospace', overflowWrap: 'anywhere' }}
        >
            {text}
        </Typography>
    );
}
