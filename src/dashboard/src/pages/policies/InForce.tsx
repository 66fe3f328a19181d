import { Box, Typography } from '@mui/material';
import type { ReactNode } from 'react';

import { api, LIVE_INTERVAL_MS, SLOW_INTERVAL_MS } from '~/api/client';
import { Instant } from '~/components/Instant';
import { Section } from '~/components/Section';
import { Loaded } from '~/components/States';
import type { Tenant } from '~/shell/place';

import type { Bundle } from './draft';

const HEIGHT_PX = 140;

interface InForceProps {
    tenant: Tenant;
    /** The version of the tenant that is in force; nothing while that is not known. */
    active: Bundle | null | undefined;
}

/** The rules that are asked about the tenant's requests: the installation's, then its own. */
export function InForce({ tenant, active }: InForceProps) {
    const status = api.useQuery('get', '/admin/status', {}, { refetchInterval: SLOW_INTERVAL_MS });
    const last = api.useQuery(
        'get',
        '/admin/usage/ledger',
        { params: { query: { tenantId: tenant.id, limit: 1 } } },
        { refetchInterval: LIVE_INTERVAL_MS },
    );
    const [row] = last.data?.data ?? [];
    return (
        <Section title="Rules in force">
            <Loaded query={status} height={HEIGHT_PX}>
                {({ settings }) => {
                    const setting = (key: string) =>
                        settings.find((one) => one.key === key)?.value ?? null;
                    return (
                        <Box
                            component="dl"
                            sx={{
                                display: 'grid',
                                gridTemplateColumns: { sm: 'max-content 1fr' },
                                columnGap: 3,
                                rowGap: 0.5,
                                m: 0,
                                minHeight: HEIGHT_PX,
                                alignContent: 'start',
                            }}
                        >
                            <Fact name="Installation">
                                {setting('policy.path') ?? 'the rules that are built in'}
                            </Fact>
                            <Fact name="Where rules fail, time out, or are busy">
                                {['policy.on_error', 'policy.on_timeout', 'policy.on_busy']
                                    .map((key) => setting(key) ?? '–')
                                    .join(', ')}
                            </Fact>
                            <Fact name={`Of ${tenant.name}, asked after them`}>
                                {active === undefined
                                    ? '–'
                                    : active === null
                                      ? 'none'
                                      : `version ${active.version}, SHA-256 ${active.sha256}`}
                            </Fact>
                            <Fact name="Rules of the last request (SHA-256)">
                                {row?.policy ? (
                                    <>
                                        {row.policy.hash}, <Instant at={row.ts} relative />
                                    </>
                                ) : (
                                    '–'
                                )}
                            </Fact>
                        </Box>
                    );
                }}
            </Loaded>
        </Section>
    );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
    return (
        <>
            <Typography component="dt" variant="body2" color="textSecondary">
                {name}
            </Typography>
            <Typography component="dd" variant="body2" sx={{ m: 0, overflowWrap: 'anywhere' }}>
                {children}
            </Typography>
        </>
    );
}
