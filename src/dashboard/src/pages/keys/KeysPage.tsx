import {
    Alert,
    Button,
    Dialog,
    DialogActions,
    DialogContent,
    DialogTitle,
    MenuItem,
    Stack,
    TableCell,
    TableRow,
    TextField,
    Typography,
} from '@mui/material';
import { useId, useState } from 'react';
import { useNavigate } from 'react-router';

import { api, SLOW_INTERVAL_MS, type Schemas } from '~/api/client';
import { ConfirmDialog } from '~/components/ConfirmDialog';
import { CopyButton } from '~/components/CopyButton';
import { FormDialog } from '~/components/FormDialog';
import { FormField } from '~/components/FormField';
import { Instant } from '~/components/Instant';
import { ListTable } from '~/components/ListTable';
import { Pager } from '~/components/Pager';
import { RateLimitDialog } from '~/components/RateLimitDialog';
import { RowMenu } from '~/components/RowMenu';
import { Empty, Loaded } from '~/components/States';
import { StatusChip } from '~/components/StatusChip';
import { TenantPage } from '~/components/TenantPage';
import { useMay } from '~/session/session';
import { pageOf } from '~/shell/page';
import { useParams, type Tenant } from '~/shell/place';

type Key = Schemas['KeyBody'];

const NAME_LENGTH_MAX = 200;
const PAGE_ROWS = 50;
const HEIGHT_PX = 480;
const HEADS = ['Name', 'Begins with', 'State', 'Made', 'Last used', ''];

/** The keys that callers of a tenant have. */
export default function KeysPage() {
    const mayMake = useMay('operator');
    const [isMaking, setIsMaking] = useState(false);
    const [made, setMade] = useState<Schemas['NewKeyBody'] | null>(null);
    return (
        <TenantPage
            title="API keys"
            about="What a tenant’s callers show the gateway instead of a provider’s key."
            actions={() =>
                mayMake && (
                    <Button
                        variant="contained"
                        onClick={() => {
                            setIsMaking(true);
                        }}
                    >
                        New key
                    </Button>
                )
            }
        >
            {(tenant) => (
                <>
                    <Keys key={tenant.id} tenant={tenant} />
                    {isMaking && (
                        <NewKeyDialog
                            tenant={tenant}
                            onMade={setMade}
                            onClose={() => {
                                setIsMaking(false);
                            }}
                        />
                    )}
                    {made !== null && (
                        <MadeDialog
                            made={made}
                            onClose={() => {
                                setMade(null);
                            }}
                        />
                    )}
                </>
            )}
        </TenantPage>
    );
}

function Keys({ tenant }: { tenant: Tenant }) {
    const [params, setParams] = useParams();
    const state = params.get('state');
    const page = pageOf(params);
    const keys = api.useQuery(
        'get',
        '/admin/tenant/{id}/apikeys',
        { params: { path: { id: tenant.id } } },
        { refetchInterval: SLOW_INTERVAL_MS },
    );
    const isShown = ({ isActive }: Key) =>
        state === 'active' ? isActive : state !== 'revoked' || !isActive;
    return (
        <>
            <TextField
                select
                label="State"
                value={state ?? 'all'}
                onChange={(event) => {
                    const asked = event.target.value;
                    setParams({ state: asked === 'all' ? null : asked, page: null });
                }}
                sx={{ maxWidth: 160 }}
            >
                <MenuItem value="all">All</MenuItem>
                <MenuItem value="active">active</MenuItem>
                <MenuItem value="revoked">revoked</MenuItem>
            </TextField>
            <Loaded
                query={keys}
                height={HEIGHT_PX}
                isEmpty={(all) => !all.some(isShown)}
                empty={<Empty title="There is no such key" height={HEIGHT_PX} />}
            >
                {(all) => {
                    const shown = all.filter(isShown);
                    const from = page * PAGE_ROWS;
                    return (
                        <>
                            <ListTable label="API keys" heads={HEADS}>
                                {shown.slice(from, from + PAGE_ROWS).map((key) => (
                                    <KeyRow key={key.id} of={key} tenant={tenant} />
                                ))}
                            </ListTable>
                            <Pager
                                page={page}
                                rows={PAGE_ROWS}
                                total={shown.length}
                                onPage={(next) => {
                                    setParams({ page: String(next) }, { push: true });
                                }}
                            />
                        </>
                    );
                }}
            </Loaded>
        </>
    );
}

function KeyRow({ of: key, tenant }: { of: Key; tenant: Tenant }) {
    const mayChange = useMay('operator') && key.isActive;
    const navigate = useNavigate();
    const [doing, setDoing] = useState<'limits' | 'revoking' | null>(null);
    const onClose = () => {
        setDoing(null);
    };
    const name = key.name === '' ? `${key.prefix}…` : key.name;
    const budgets = `?tenant=${tenant.id}&scope=key&key=${key.id}`;
    return (
        <TableRow hover>
            <TableCell component="th" scope="row" sx={{ overflowWrap: 'anywhere' }}>
                {key.name === '' ? '–' : key.name}
            </TableCell>
            <TableCell>
                <code>{key.prefix}</code>
            </TableCell>
            <TableCell>
                <StatusChip status={key.isActive ? 'active' : 'revoked'} />
            </TableCell>
            <TableCell>
                <Instant at={key.createdAt} />
            </TableCell>
            <TableCell>
                <Instant at={key.lastUsedAt} relative />
            </TableCell>
            <TableCell align="right">
                <RowMenu
                    of={name}
                    actions={{
                        Budgets:
                            key.isActive &&
                            (() => void navigate({ pathname: '/admin/budgets', search: budgets })),
                        Requests: () =>
                            void navigate({
                                pathname: '/usage-tracking',
                                search: `?tenant=${tenant.id}&keyId=${key.id}`,
                            }),
                        'Rate limits…':
                            mayChange &&
                            (() => {
                                setDoing('limits');
                            }),
                        'Revoke…':
                            mayChange &&
                            (() => {
                                setDoing('revoking');
                            }),
                    }}
                />
                {doing === 'limits' && (
                    <RateLimitDialog of="apikey" id={key.id} name={name} onClose={onClose} />
                )}
                {doing === 'revoking' && <RevokeDialog id={key.id} name={name} onClose={onClose} />}
            </TableCell>
        </TableRow>
    );
}

interface NewKeyDialogProps {
    tenant: Tenant;
    onMade: (made: Schemas['NewKeyBody']) => void;
    onClose: () => void;
}

function NewKeyDialog({ tenant, onMade, onClose }: NewKeyDialogProps) {
    const create = api.useMutation('post', '/admin/tenant/{id}/apikeys');
    const [name, setName] = useState('');
    const save = async () => {
        const params = { path: { id: tenant.id } };
        onMade(await create.mutateAsync({ params, body: { name } }));
    };
    return (
        <FormDialog
            title={`New key of ${tenant.name}`}
            action="Create"
            onSubmit={save}
            onClose={onClose}
        >
            <FormField
                name="name"
                label="Name"
                value={name}
                onChange={setName}
                help="What people call it, such as the program that uses it."
                html={{ maxLength: NAME_LENGTH_MAX }}
            />
        </FormDialog>
    );
}

interface MadeDialogProps {
    made: Schemas['NewKeyBody'];
    onClose: () => void;
}

/** Shows a key, the only time that it can be. Only its button closes it, so that no slip loses the key. */
function MadeDialog({ made, onClose }: MadeDialogProps) {
    const id = useId();
    return (
        <Dialog open aria-labelledby={id} fullWidth maxWidth="sm">
            <DialogTitle id={id}>The new key</DialogTitle>
            <DialogContent>
                <Stack spacing={2}>
                    <Alert severity="warning">
                        Copy it now: it is not kept anywhere, and never shown again.
                    </Alert>
                    <Stack direction="row" spacing={1} sx={{ alignItems: 'center' }}>
                        <Typography
                            component="code"
                            data-testid="new-key"
                            sx={{ fontFamily: 'monospace', overflowWrap: 'anywhere' }}
                        >
                            {made.key}
                        </Typography>
                        <CopyButton text={made.key} label="Copy the key" />
                    </Stack>
                </Stack>
            </DialogContent>
            <DialogActions>
                <Button variant="contained" onClick={onClose}>
                    I have copied it
                </Button>
            </DialogActions>
        </Dialog>
    );
}

interface RevokeDialogProps {
    id: number;
    name: string;
    onClose: () => void;
}

function RevokeDialog({ id, name, onClose }: RevokeDialogProps) {
    const revoke = api.useMutation('delete', '/admin/apikey/{id}');
    return (
        <ConfirmDialog
            title={`Revoke ${name}?`}
            action="Revoke the key"
            onConfirm={() => revoke.mutateAsync({ params: { path: { id } } })}
            onClose={onClose}
        >
            Requests with it are refused from now on, and its open streams end within a second; what
            they used is charged. This cannot be undone.
        </ConfirmDialog>
    );
}
