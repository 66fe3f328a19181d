import { Chip, Stack, TableCell, TableRow, Typography } from '@mui/material';

import { api, LIVE_INTERVAL_MS, type Schemas } from '~/api/client';
import { Instant } from '~/components/Instant';
import { ListTable } from '~/components/ListTable';
import { Page } from '~/components/Page';
import { Pager } from '~/components/Pager';
import { Empty, Loaded } from '~/components/States';
import { StatusChip } from '~/components/StatusChip';
import { TenantSelect } from '~/components/TenantSelect';
import { formatUsd } from '~/format/money';
import { pageOf } from '~/shell/page';
import { useChosenTenant, useParams } from '~/shell/place';

import { Channel } from './Channel';

type Alert = Schemas['PageBody_ListedBody']['data'][number];

const PAGE_ROWS = 25;
const HEIGHT_PX = 480;
const FULL_PERCENT = 100;

/** What passed a threshold, and whether somebody was told. */
export default function AlertsPage() {
    const tenant = useChosenTenant();
    const [params, setParams] = useParams();
    const page = pageOf(params);
    const query = { page, limit: PAGE_ROWS };
    const options = {
        refetchInterval: LIVE_INTERVAL_MS,
        placeholderData: (before: Schemas['PageBody_ListedBody'] | undefined) => before,
    };
    const all = api.useQuery(
        'get',
        '/admin/alerts',
        { params: { query } },
        { ...options, enabled: tenant === null },
    );
    const ofTenant = api.useQuery(
        'get',
        '/admin/tenant/{id}/alerts',
        { params: { path: { id: tenant?.id ?? 0 }, query } },
        { ...options, enabled: tenant !== null },
    );
    return (
        <Page
            title="Alerts"
            about="Budgets of which a part was spent: one alert for each threshold and window."
            actions={<TenantSelect withAll />}
        >
            <Channel />
            <Loaded
                query={tenant === null ? all : ofTenant}
                height={HEIGHT_PX}
                isEmpty={({ total }) => total === 0}
                empty={
                    <Empty title="No budget has passed a threshold" height={HEIGHT_PX}>
                        Thresholds are set for the installation, or with a budget.
                    </Empty>
                }
            >
                {({ data, total }) => (
                    <>
                        <ListTable
                            label="Alerts"
                            heads={[
                                'Raised',
                                'Budget',
                                { right: 'Threshold' },
                                { right: 'Spent' },
                                { right: 'Limit' },
                                'Window',
                                'Message',
                            ]}
                        >
                            {data.map((alert) => (
                                <AlertRow key={alert.id} alert={alert} />
                            ))}
                        </ListTable>
                        <Pager
                            page={page}
                            rows={PAGE_ROWS}
                            total={total}
                            onPage={(to) => {
                                setParams({ page: String(to) }, { push: true });
                            }}
                        />
                    </>
                )}
            </Loaded>
        </Page>
    );
}

function AlertRow({ alert }: { alert: Alert }) {
    const name = alert.tagPath ?? alert.tenant ?? 'Installation';
    return (
        <TableRow hover>
            <TableCell>
                <Instant at={alert.raisedAt} />
            </TableCell>
            <TableCell component="th" scope="row">
                {name}
                <Typography component="div" variant="caption" color="textSecondary">
                    {alert.scope}, {alert.period}
                    {alert.enforcement === 'shadow' && ', only counts'}
                </Typography>
            </TableCell>
            <TableCell align="right">
                <Chip
                    size="small"
                    variant="outlined"
                    color={alert.threshold >= FULL_PERCENT ? 'error' : 'warning'}
                    label={`${alert.threshold} %`}
                />
            </TableCell>
            <TableCell align="right">{formatUsd(alert.spentUsd)}</TableCell>
            <TableCell align="right">{formatUsd(alert.limitUsd)}</TableCell>
            <TableCell>
                {alert.windowEnd === null ? (
                    'without end'
                ) : (
                    <>
                        until <Instant at={alert.windowEnd} />
                    </>
                )}
            </TableCell>
            <TableCell>
                <Delivery delivery={alert.delivery} />
            </TableCell>
        </TableRow>
    );
}

function Delivery({ delivery }: { delivery: Alert['delivery'] }) {
    if (delivery.state === 'none') return <>no webhook</>;
    return (
        <Stack spacing={0.5} sx={{ alignItems: 'start' }}>
            <StatusChip status={delivery.state} />
            {delivery.state !== 'delivered' && (
                <Typography variant="caption" sx={{ overflowWrap: 'anywhere' }}>
                    {delivery.attempts} tries
                    {delivery.lastError !== null && `: ${delivery.lastError}`}
                    {delivery.nextAttemptAt !== null && (
                        <>
                            , next <Instant at={delivery.nextAttemptAt} relative />
                        </>
                    )}
                </Typography>
            )}
        </Stack>
    );
}
