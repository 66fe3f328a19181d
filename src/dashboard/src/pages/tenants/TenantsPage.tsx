import { Button, TableCell, TableRow, TextField } from '@mui/material';
import { useState } from 'react';
import { useNavigate } from 'react-router';

import { api } from '~/api/client';
import { ConfirmDialog } from '~/components/ConfirmDialog';
import { Instant } from '~/components/Instant';
import { ListTable } from '~/components/ListTable';
import { Page } from '~/components/Page';
import { Pager } from '~/components/Pager';
import { RateLimitDialog } from '~/components/RateLimitDialog';
import { RowMenu } from '~/components/RowMenu';
import { Empty, Loaded } from '~/components/States';
import { formatUsd } from '~/format/money';
import { formatCount } from '~/format/numbers';
import { useMay } from '~/session/session';
import { pageOf } from '~/shell/page';
import { useParams, useTenants, type Tenant } from '~/shell/place';

import { TenantDialog } from './TenantDialog';

const PAGE_ROWS = 50;
const HEIGHT_PX = 480;
const HEADS = ['Name', 'Time zone', 'Requests a minute', 'Budget of a session', 'Since', ''];

/** Who shares the installation, and what each may. */
export default function TenantsPage() {
    const mayMake = useMay('admin');
    const [isMaking, setIsMaking] = useState(false);
    return (
        <Page
            title="Tenants"
            about="Who shares the installation, and what each may."
            actions={
                mayMake && (
                    <Button
                        variant="contained"
                        onClick={() => {
                            setIsMaking(true);
                        }}
                    >
                        New tenant
                    </Button>
                )
            }
        >
            <Tenants />
            {isMaking && (
                <TenantDialog
                    tenant={null}
                    onClose={() => {
                        setIsMaking(false);
                    }}
                />
            )}
        </Page>
    );
}

function Tenants() {
    // Every page has all of them for the choice of a tenant: what is looked for is found among these.
    const tenants = useTenants();
    const [params, setParams] = useParams();
    const search = params.get('search') ?? '';
    const page = pageOf(params);
    const part = search.toLowerCase();
    const isLike = (tenant: Tenant) => tenant.name.toLowerCase().includes(part);
    return (
        <>
            <TextField
                label="Find a tenant"
                defaultValue={search}
                onChange={(event) => {
                    setParams({ search: event.target.value.trim(), page: null });
                }}
                sx={{ maxWidth: 260 }}
            />
            <Loaded
                query={tenants}
                height={HEIGHT_PX}
                isEmpty={(all) => !all.some(isLike)}
                empty={<Empty title="No tenant is called so" height={HEIGHT_PX} />}
            >
                {(all) => {
                    const found = all.filter(isLike);
                    const from = page * PAGE_ROWS;
                    return (
                        <>
                            <ListTable label="Tenants" heads={HEADS}>
                                {found.slice(from, from + PAGE_ROWS).map((tenant) => (
                                    <TenantRow key={tenant.id} tenant={tenant} />
                                ))}
                            </ListTable>
                            <Pager
                                page={page}
                                rows={PAGE_ROWS}
                                total={found.length}
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

function limitText(limit: number | null): string {
    if (limit === null) return 'the default';
    return limit === 0 ? 'unlimited' : formatCount(limit);
}

function TenantRow({ tenant }: { tenant: Tenant }) {
    const mayChange = useMay('admin');
    const mayLimit = useMay('operator');
    const navigate = useNavigate();
    const [doing, setDoing] = useState<'settings' | 'limits' | 'closing' | null>(null);
    const show = (path: string) => () =>
        void navigate({ pathname: path, search: `?tenant=${tenant.id}` });
    const onClose = () => {
        setDoing(null);
    };
    return (
        <TableRow hover>
            <TableCell component="th" scope="row" sx={{ overflowWrap: 'anywhere' }}>
                {tenant.name}
            </TableCell>
            <TableCell>{tenant.timeZone ?? 'UTC'}</TableCell>
            <TableCell>{limitText(tenant.rateLimitPerMin)}</TableCell>
            <TableCell>
                {tenant.defaultSessionBudgetUsd === null
                    ? 'none'
                    : formatUsd(tenant.defaultSessionBudgetUsd)}
            </TableCell>
            <TableCell>
                <Instant at={tenant.createdAt} />
            </TableCell>
            <TableCell align="right">
                <RowMenu
                    of={tenant.name}
                    actions={{
                        'API keys': show('/admin/keys'),
                        Budgets: show('/admin/budgets'),
                        Tags: show('/admin/tags'),
                        'Settings…':
                            mayChange &&
                            (() => {
                                setDoing('settings');
                            }),
                        'Rate limits…':
                            mayLimit &&
                            (() => {
                                setDoing('limits');
                            }),
                        'Close…':
                            mayChange &&
                            (() => {
                                setDoing('closing');
                            }),
                    }}
                />
                {doing === 'settings' && <TenantDialog tenant={tenant} onClose={onClose} />}
                {doing === 'limits' && (
                    <RateLimitDialog
                        of="tenant"
                        id={tenant.id}
                        name={tenant.name}
                        onClose={onClose}
                    />
                )}
                {doing === 'closing' && <CloseDialog tenant={tenant} onClose={onClose} />}
            </TableCell>
        </TableRow>
    );
}

function CloseDialog({ tenant, onClose }: { tenant: Tenant; onClose: () => void }) {
    const close = api.useMutation('delete', '/admin/tenant/{id}');
    return (
        <ConfirmDialog
            title={`Close ${tenant.name}?`}
            action="Close the tenant"
            typed={tenant.name}
            onConfirm={() => close.mutateAsync({ params: { path: { id: tenant.id } } })}
            onClose={onClose}
        >
            All its keys stop working, and streams that are open end within a second. Its ledger
            stays. This cannot be undone.
        </ConfirmDialog>
    );
}
