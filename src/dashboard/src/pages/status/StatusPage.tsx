import {
    Alert,
    Box,
    Table,
    TableBody,
    TableCell,
    TableContainer,
    TableHead,
    TableRow,
    TextField,
} from '@mui/material';
import { useState, type ReactNode } from 'react';

import { api, LIVE_INTERVAL_MS, type Schemas } from '~/api/client';
import { Instant } from '~/components/Instant';
import { Page } from '~/components/Page';
import { Section } from '~/components/Section';
import { Loaded } from '~/components/States';
import { StatusChip } from '~/components/StatusChip';
import { formatBytes, formatCount, formatMs } from '~/format/numbers';

type Status = Schemas['InstallationStatusBody'];

/** How the installation is, as the replica that answers knows it, and what it was set to. */
export default function StatusPage() {
    const status = api.useQuery('get', '/admin/status', {}, { refetchInterval: LIVE_INTERVAL_MS });
    return (
        <Page title="System status" about="Stores, spool, providers, replicas and settings.">
            <Loaded query={status} height={640}>
                {(body) => <Shown status={body} />}
            </Loaded>
        </Page>
    );
}

function Shown({ status }: { status: Status }) {
    const { spool, queue } = status;
    return (
        <>
            <Alert severity={status.healthy ? 'success' : 'error'} role="status">
                {status.healthy
                    ? 'Everything that this replica depends on can be reached.'
                    : 'Something that this replica depends on cannot be reached.'}{' '}
                Version {status.version}, started <Instant at={status.startedAt} relative />.
            </Alert>
            <Box
                sx={{
                    display: 'grid',
                    gap: 2,
                    gridTemplateColumns: 'repeat(auto-fit, minmax(min(360px, 100%), 1fr))',
                }}
            >
                <Section title="Stores">
                    <Rows head={['Holds', 'Kind', 'State']}>
                        {status.stores.map((store) => (
                            <TableRow key={store.role}>
                                <TableCell>{store.role}</TableCell>
                                <TableCell>{store.kind}</TableCell>
                                <TableCell>
                                    <StatusChip
                                        status={store.reachable ? 'reachable' : 'unreachable'}
                                    />
                                </TableCell>
                            </TableRow>
                        ))}
                    </Rows>
                </Section>
                <Section title="On the way to the ledger">
                    <Rows head={['What', 'Value']}>
                        <Fact name="Rows waiting in the spool">{formatCount(spool.waiting)}</Fact>
                        <Fact name="Requests under way">{formatCount(spool.open)}</Fact>
                        <Fact name="Size of the spool">{formatBytes(spool.bytes)}</Fact>
                        <Fact name="Oldest row waiting">
                            {spool.oldestWaitingAt === null ? (
                                'none'
                            ) : (
                                <Instant at={spool.oldestWaitingAt} relative />
                            )}
                        </Fact>
                        <Fact name="Takes requests">
                            {spool.hasRoom ? 'yes' : 'no: the spool is full'}
                        </Fact>
                        {queue && (
                            <>
                                <Fact name="Entries in the queue">
                                    {formatCount(queue.entries)}
                                </Fact>
                                <Fact name="Of them with a worker">
                                    {formatCount(queue.pending)}
                                </Fact>
                                <Fact name="Longest wait in the queue">
                                    {formatMs(queue.lagMs)}
                                </Fact>
                                <Fact name="Dead letters">{formatCount(queue.dead)}</Fact>
                            </>
                        )}
                    </Rows>
                </Section>
                <Section title="Providers">
                    <Rows head={['Provider', 'Key', 'State', 'Last answer', 'Last failure']}>
                        {status.providers.map((provider) => (
                            <TableRow key={provider.name}>
                                <TableCell>{provider.name}</TableCell>
                                <TableCell>{provider.configured ? 'set' : 'none'}</TableCell>
                                <TableCell>
                                    <StatusChip status={provider.state} />
                                </TableCell>
                                <TableCell>
                                    <Instant at={provider.lastAnswerAt} relative />
                                </TableCell>
                                <TableCell>
                                    <Instant at={provider.lastFailureAt} relative />
                                </TableCell>
                            </TableRow>
                        ))}
                    </Rows>
                </Section>
                <Section title="Writers of the ledger">
                    <Rows head={['Name', 'Rows', 'Last row']}>
                        {status.replicas.map((replica) => (
                            <TableRow key={replica.id}>
                                <TableCell sx={{ overflowWrap: 'anywhere' }}>
                                    {replica.name}
                                </TableCell>
                                <TableCell>{formatCount(replica.rows)}</TableCell>
                                <TableCell>
                                    <Instant at={replica.lastRowAt} relative />
                                </TableCell>
                            </TableRow>
                        ))}
                    </Rows>
                </Section>
            </Box>
            <SettingsTable settings={status.settings} />
        </>
    );
}

function SettingsTable({ settings }: { settings: Status['settings'] }) {
    const [part, setPart] = useState('');
    const shown = settings.filter((setting) => setting.key.includes(part.trim()));
    return (
        <Section
            title="Settings"
            actions={
                <TextField
                    label="Find a setting"
                    value={part}
                    onChange={(event) => {
                        setPart(event.target.value);
                    }}
                />
            }
        >
            <Rows head={['Setting', 'Value', 'From']}>
                {shown.map((setting) => (
                    <TableRow key={setting.key}>
                        <TableCell sx={{ overflowWrap: 'anywhere' }}>{setting.key}</TableCell>
                        <TableCell sx={{ overflowWrap: 'anywhere' }}>{valueOf(setting)}</TableCell>
                        <TableCell>{setting.source}</TableCell>
                    </TableRow>
                ))}
            </Rows>
        </Section>
    );
}

function valueOf(setting: Status['settings'][number]): string {
    if (setting.value === null || setting.value === '') return '–';
    return setting.isSecret ? 'set, not shown' : setting.value;
}

function Rows({ head, children }: { head: string[]; children: ReactNode }) {
    return (
        <TableContainer tabIndex={0}>
            <Table>
                <TableHead>
                    <TableRow>
                        {head.map((name) => (
                            <TableCell key={name}>{name}</TableCell>
                        ))}
                    </TableRow>
                </TableHead>
                <TableBody>{children}</TableBody>
            </Table>
        </TableContainer>
    );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
    return (
        <TableRow>
            <TableCell component="th" scope="row">
                {name}
            </TableCell>
            <TableCell>{children}</TableCell>
        </TableRow>
    );
}
