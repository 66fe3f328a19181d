import { Button, MenuItem, Stack, TextField, Typography } from '@mui/material';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { api, LIVE_INTERVAL_MS, type Schemas } from '~/api/client';
import { Page } from '~/components/Page';
import { Empty, Loaded } from '~/components/States';
import { TenantSelect } from '~/components/TenantSelect';
import { useMay } from '~/session/session';
import { useChosenTenant, useParams, useTenants, type Tenant } from '~/shell/place';

import { BudgetDialog } from './BudgetDialog';
import { BudgetTable } from './BudgetTable';
import { fetchBudgets, isScopeName, SCOPES, type BudgetScope, type ScopeName } from './scope';
import { SessionDefault } from './SessionDefault';

const HEIGHT_PX = 320;
const UTC = 'UTC';

/** The limits of the installation, of tenants, of keys and of sessions. Those of tags are with the tags. */
export default function BudgetsPage() {
    const [params, setParams] = useParams();
    const asked = params.get('scope');
    const scope: ScopeName = isScopeName(asked) ? asked : 'tenant';
    const tenants = useTenants();
    const chosen = useChosenTenant();
    const tenant = chosen ?? tenants.data?.[0];
    return (
        <Page
            title="Budgets"
            about="What may be spent in a time. Those of tags are with the tags."
            actions={
                <>
                    <TextField
                        select
                        label="Scope"
                        value={scope}
                        onChange={(event) => {
                            setParams({ scope: event.target.value, key: null });
                        }}
                        sx={{ minWidth: 160 }}
                    >
                        {Object.entries(SCOPES).map(([name, title]) => (
                            <MenuItem key={name} value={name}>
                                {title}
                            </MenuItem>
                        ))}
                    </TextField>
                    {scope !== 'installation' && <TenantSelect value={tenant?.id} />}
                </>
            }
        >
            {scope === 'installation' ? (
                <Budgets scope={{ kind: 'installation' }} zone={UTC} />
            ) : (
                <Loaded query={tenants} height={HEIGHT_PX}>
                    {() =>
                        tenant ? (
                            <OfTenant key={tenant.id} scope={scope} tenant={tenant} />
                        ) : (
                            <Empty title="There is no tenant yet" />
                        )
                    }
                </Loaded>
            )}
        </Page>
    );
}

interface OfTenantProps {
    scope: Exclude<ScopeName, 'installation'>;
    tenant: Tenant;
}

function OfTenant({ scope, tenant }: OfTenantProps) {
    switch (scope) {
        case 'tenant':
            return (
                <Budgets scope={{ kind: 'tenant', id: tenant.id }} zone={tenant.timeZone ?? UTC} />
            );
        case 'key':
            return <OfKey tenant={tenant} />;
        case 'session':
            return <SessionDefault tenant={tenant} />;
    }
}

function OfKey({ tenant }: { tenant: Tenant }) {
    const [params, setParams] = useParams();
    const keys = api.useQuery('get', '/admin/tenant/{id}/apikeys', {
        params: { path: { id: tenant.id } },
    });
    const nameOf = (key: Schemas['KeyBody']) => `${key.name || 'without a name'} (${key.prefix}…)`;
    return (
        <Loaded query={keys} height={HEIGHT_PX}>
            {(all) => {
                const active = all.filter((key) => key.isActive);
                const asked = Number(params.get('key'));
                const shown = active.find((key) => key.id === asked) ?? active[0];
                if (!shown) return <Empty title="This tenant has no active key" />;
                return (
                    <>
                        <TextField
                            select
                            label="Key"
                            value={String(shown.id)}
                            onChange={(event) => {
                                setParams({ key: event.target.value });
                            }}
                            sx={{ maxWidth: 320 }}
                        >
                            {active.map((key) => (
                                <MenuItem key={key.id} value={String(key.id)}>
                                    {nameOf(key)}
                                </MenuItem>
                            ))}
                        </TextField>
                        <Budgets
                            key={shown.id}
                            scope={{ kind: 'key', id: shown.id }}
                            zone={tenant.timeZone ?? UTC}
                        />
                    </>
                );
            }}
        </Loaded>
    );
}

function Budgets({ scope, zone }: { scope: BudgetScope; zone: string }) {
    const mayMake = useMay('operator');
    const [isMaking, setIsMaking] = useState(false);
    const budgets = useQuery({
        queryKey: ['budgets', scope],
        queryFn: () => fetchBudgets(scope),
        refetchInterval: LIVE_INTERVAL_MS,
    });
    return (
        <>
            <Stack direction="row" sx={{ justifyContent: 'space-between', alignItems: 'center' }}>
                <Typography variant="body2" color="textSecondary">
                    All of them have to have room for a request.
                </Typography>
                {mayMake && (
                    <Button
                        variant="contained"
                        onClick={() => {
                            setIsMaking(true);
                        }}
                    >
                        New budget
                    </Button>
                )}
            </Stack>
            <Loaded
                query={budgets}
                height={HEIGHT_PX}
                isEmpty={(all) => all.length === 0}
                empty={
                    <Empty title="There is no budget yet" height={HEIGHT_PX}>
                        Nothing is refused by this scope.
                    </Empty>
                }
            >
                {(all) => <BudgetTable scope={scope} zone={zone} budgets={all} />}
            </Loaded>
            {isMaking && (
                <BudgetDialog
                    scope={scope}
                    zone={zone}
                    budget={null}
                    others={budgets.data ?? []}
                    onClose={() => {
                        setIsMaking(false);
                    }}
                />
            )}
        </>
    );
}
