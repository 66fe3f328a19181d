import { Alert, Button, Chip, MenuItem, Stack, TextField, Typography } from '@mui/material';

import { api, LIVE_INTERVAL_MS, type Schemas } from '~/api/client';
import { Page } from '~/components/Page';
import { Pager } from '~/components/Pager';
import { Empty, Loaded } from '~/components/States';
import { TenantSelect } from '~/components/TenantSelect';
import { useChosenTenant, useParams } from '~/shell/place';
import { VIEWER_ZONE } from '~/format/dates';

import { BudgetCard } from './BudgetCard';
import { HealthAlerts, useHealthAlerts } from './HealthAlerts';

const PAGE_ROWS = 24;
const SCOPES = ['installation', 'tenant', 'key', 'tag', 'session'] as const;
const STATUSES = ['exceeded', 'critical', 'warning', 'healthy'] as const;

function oneOf<T extends string>(values: readonly T[], text: string | null): T | undefined {
    return values.find((value) => value === text);
}

/** Home: how every budget stands, those first that are used up the most. */
export default function HealthPage() {
    const tenant = useChosenTenant();
    const [params, setParams] = useParams();
    const scope = oneOf(SCOPES, params.get('scope'));
    const status = oneOf(STATUSES, params.get('status'));
    const page = Number(params.get('page') ?? 0);
    const health = api.useQuery(
        'get',
        '/admin/budget-health',
        { params: { query: { tenantId: tenant?.id, scope, status, page, limit: PAGE_ROWS } } },
        { refetchInterval: LIVE_INTERVAL_MS, placeholderData: (before) => before },
    );
    const alerts = useHealthAlerts(tenant?.id);
    // Alerts stand above the budgets, which would jump if they came first.
    const shown = alerts.isPending ? undefined : health.data;
    return (
        <Page
            title="Budget health"
            about={`What is spent and held of every budget, live. Times in ${VIEWER_ZONE}.`}
            actions={
                <>
                    <TextField
                        select
                        label="Scope"
                        value={scope ?? 'all'}
                        onChange={(event) => {
                            const asked = event.target.value;
                            setParams({ scope: asked === 'all' ? null : asked, page: null });
                        }}
                        sx={{ minWidth: 130 }}
                    >
                        <MenuItem value="all">All scopes</MenuItem>
                        {SCOPES.map((name) => (
                            <MenuItem key={name} value={name}>
                                {name}
                            </MenuItem>
                        ))}
                    </TextField>
                    <TenantSelect withAll />
                </>
            }
        >
            {shown !== undefined && <HealthAlerts alerts={alerts} />}
            <Loaded query={{ ...health, data: shown }} height={480}>
                {(body) => (
                    <>
                        <Counts
                            counts={body.counts}
                            chosen={status}
                            onChoose={(next) => {
                                setParams({ status: next, page: null });
                            }}
                        />
                        {body.data.length === 0 ? (
                            <Empty title="There is no such budget">
                                Budgets limit the installation, a tenant, a key, a tag or a session.
                            </Empty>
                        ) : (
                            <Stack
                                component="ul"
                                aria-label="Budgets"
                                sx={{
                                    display: 'grid',
                                    gap: 2,
                                    p: 0,
                                    m: 0,
                                    listStyle: 'none',
                                    gridTemplateColumns:
                                        'repeat(auto-fill, minmax(min(320px, 100%), 1fr))',
                                }}
                            >
                                {body.data.map((budget) => (
                                    <BudgetCard key={keyOf(budget)} budget={budget} />
                                ))}
                            </Stack>
                        )}
                        <Pager
                            page={page}
                            rows={PAGE_ROWS}
                            total={body.total}
                            onPage={(next) => {
                                setParams({ page: String(next) }, { push: true });
                            }}
                        />
                    </>
                )}
            </Loaded>
        </Page>
    );
}

function keyOf(budget: Schemas['PageBody_BudgetStandingBody']['data'][number]): string {
    const { scope, id, tenantId, sessionId, period } = budget;
    return `${scope} ${id ?? ''} ${tenantId ?? ''} ${sessionId ?? ''} ${period}`;
}

interface CountsProps {
    counts: Schemas['HealthCountsBody'];
    chosen: string | undefined;
    onChoose: (status: string | null) => void;
}

const COLORS = {
    exceeded: 'error',
    critical: 'error',
    warning: 'warning',
    healthy: 'success',
} as const;

function Counts({ counts, chosen, onChoose }: CountsProps) {
    const urgent = counts.exceeded + counts.critical;
    return (
        <Stack spacing={1}>
            {urgent > 0 && (
                <Alert
                    severity="error"
                    variant="outlined"
                    action={
                        counts.exceeded > 0 && (
                            <Button
                                color="inherit"
                                size="small"
                                onClick={() => {
                                    onChoose('exceeded');
                                }}
                            >
                                Show
                            </Button>
                        )
                    }
                >
                    {counts.exceeded} exceeded, {counts.critical} critical
                </Alert>
            )}
            <Stack
                direction="row"
                useFlexGap
                spacing={1}
                sx={{ flexWrap: 'wrap', alignItems: 'center' }}
            >
                <Typography component="span" variant="body2">
                    Show
                </Typography>
                {STATUSES.map((status) => (
                    <Chip
                        key={status}
                        label={`${counts[status]} ${status}`}
                        color={COLORS[status]}
                        variant={chosen === status ? 'filled' : 'outlined'}
                        aria-pressed={chosen === status}
                        onClick={() => {
                            onChoose(chosen === status ? null : status);
                        }}
                    />
                ))}
            </Stack>
        </Stack>
    );
}
