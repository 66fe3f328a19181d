import { Alert, Button, Stack } from '@mui/material';
import { useState } from 'react';

import { api, LIVE_INTERVAL_MS } from '~/api/client';
import { Instant } from '~/components/Instant';
import { formatUsd } from '~/format/money';

/** As many as are asked for. */
const ALERTS_MAX = 20;
/** As many as are shown before somebody asks for more. */
const ALERTS_SHOWN = 3;
const FULL_PERCENT = 100;

/** The alerts of a tenant or of all, the last first. */
export function useHealthAlerts(tenantId: number | undefined) {
    const query = { limit: ALERTS_MAX };
    const options = { refetchInterval: LIVE_INTERVAL_MS };
    const all = api.useQuery(
        'get',
        '/admin/alerts',
        { params: { query } },
        { ...options, enabled: tenantId === undefined },
    );
    const ofTenant = api.useQuery(
        'get',
        '/admin/tenant/{id}/alerts',
        { params: { path: { id: tenantId ?? 0 }, query } },
        { ...options, enabled: tenantId !== undefined },
    );
    return tenantId === undefined ? all : ofTenant;
}

/** What passed a threshold in a window that still runs, until it is put aside. */
export function HealthAlerts({ alerts }: { alerts: ReturnType<typeof useHealthAlerts> }) {
    const [aside, setAside] = useState<ReadonlySet<number>>(new Set());
    const [isWhole, setIsWhole] = useState(false);
    const { data, dataUpdatedAt } = alerts;
    const current = (data?.data ?? []).filter((alert) => {
        const end = alert.windowEnd;
        return !aside.has(alert.id) && (end === null || new Date(end).getTime() > dataUpdatedAt);
    });
    const shown = isWhole ? current : current.slice(0, ALERTS_SHOWN);
    if (shown.length === 0) return null;
    return (
        <Stack component="section" aria-label="Alerts" spacing={1}>
            {shown.map((alert) => (
                <Alert
                    key={alert.id}
                    severity={alert.threshold >= FULL_PERCENT ? 'error' : 'warning'}
                    onClose={() => {
                        setAside(new Set([...aside, alert.id]));
                    }}
                >
                    {alert.tagPath ?? alert.tenant ?? 'Installation'}: {alert.threshold} % of the{' '}
                    {alert.period} budget of {formatUsd(alert.limitUsd)} ({alert.scope}) were spent,{' '}
                    <Instant at={alert.raisedAt} relative />
                </Alert>
            ))}
            {current.length > ALERTS_SHOWN && (
                <Button
                    size="small"
                    onClick={() => {
                        setIsWhole(!isWhole);
                    }}
                >
                    {isWhole ? 'Show fewer' : `Show all ${current.length} alerts`}
                </Button>
            )}
        </Stack>
    );
}
