import { Box, Chip, Paper, Stack, Typography } from '@mui/material';
import type { ReactNode } from 'react';

import type { Schemas } from '~/api/client';
import { Instant } from '~/components/Instant';
import { StatusChip } from '~/components/StatusChip';
import { UsageBar } from '~/components/UsageBar';
import { formatInstantWithZone } from '~/format/dates';
import { formatUsd } from '~/format/money';
import { formatPercent } from '~/format/numbers';

type Standing = Schemas['PageBody_BudgetStandingBody']['data'][number];

function titleOf(budget: Standing): string {
    return budget.name === '' ? 'Installation' : budget.name;
}

/** A budget: what is spent and held of it, and where that leads. */
export function BudgetCard({ budget }: { budget: Standing }) {
    const title = titleOf(budget);
    const only = [...budget.providers, ...budget.models];
    return (
        <Paper component="li" sx={{ p: 2, minWidth: 0 }} data-testid="budget">
            <Stack direction="row" spacing={1} sx={{ justifyContent: 'space-between' }}>
                <Box sx={{ minWidth: 0 }}>
                    <Typography variant="h2" noWrap title={title}>
                        {title}
                    </Typography>
                    <Typography variant="body2" color="textSecondary" noWrap>
                        {budget.scope} · {budget.period}
                        {budget.tenant !== null &&
                            budget.scope !== 'tenant' &&
                            ` · ${budget.tenant}`}
                    </Typography>
                </Box>
                <Stack spacing={0.5} sx={{ alignItems: 'flex-end' }}>
                    <StatusChip status={budget.status} />
                    {budget.isShadow && <Chip size="small" label="only counts" />}
                </Stack>
            </Stack>
            <UsageBar percent={budget.percent} label={`${title}: spent`} />
            <Box
                component="dl"
                sx={{ display: 'grid', gridTemplateColumns: 'auto 1fr', columnGap: 2, m: 0, mt: 1 }}
            >
                <Fact name="Spent">{formatUsd(budget.spentUsd)}</Fact>
                <Fact name="Held">{formatUsd(budget.heldUsd)}</Fact>
                <Fact name="Left">{formatUsd(budget.leftUsd)}</Fact>
                <Fact name="Limit">{formatUsd(budget.limitUsd)}</Fact>
                {budget.windowEnd !== null && (
                    <Fact name="Forecast">
                        {budget.forecast === null
                            ? 'too early to say'
                            : `${formatUsd(budget.forecast.usd)} (${formatPercent(budget.forecast.percent)}, ${budget.forecast.status})`}
                    </Fact>
                )}
                <Fact name={budget.period === 'custom' ? 'Ends' : 'Resets'}>
                    {budget.windowEnd === null ? (
                        'never'
                    ) : (
                        <>
                            {formatInstantWithZone(budget.windowEnd)} (
                            <Instant at={budget.windowEnd} relative />)
                        </>
                    )}
                </Fact>
                {only.length > 0 && <Fact name="Counts only">{only.join(', ')}</Fact>}
                {budget.wouldHaveRefused !== null && budget.wouldHaveRefused > 0 && (
                    <Fact name="Would have refused">{budget.wouldHaveRefused}</Fact>
                )}
            </Box>
        </Paper>
    );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
    return (
        <>
            <Typography component="dt" variant="body2" color="textSecondary">
                {name}
            </Typography>
            <Typography component="dd" variant="body2" sx={{ m: 0, textAlign: 'right' }}>
                {children}
            </Typography>
        </>
    );
}
