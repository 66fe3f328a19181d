import { Box, Paper, Typography } from '@mui/material';

import type { Schemas } from '~/api/client';
import { Page } from '~/components/Page';
import { RangeSelect } from '~/components/RangeSelect';
import { Loaded } from '~/components/States';
import { TenantSelect } from '~/components/TenantSelect';
import { formatUsd } from '~/format/money';
import { formatCompact, formatCount } from '~/format/numbers';
import { useChosenTenant, useRange } from '~/shell/place';

import { Breakdown } from './Breakdown';
import { Tags } from './Tags';
import { useBreakdown } from './useBreakdown';

/** What was spent, by whatever there is to tell requests apart; all figures are the server's sums. */
export default function InsightsPage() {
    const tenant = useChosenTenant();
    const range = useRange();
    const asked = { tenantId: tenant?.id, ...range.query };
    const totals = useBreakdown('day', asked);
    return (
        <Page
            title="Usage insights"
            about="Where the money goes. Every figure is the sum of the ledger’s rows."
            actions={
                <>
                    <RangeSelect range={range} />
                    <TenantSelect withAll />
                </>
            }
        >
            <Loaded query={totals} height={88}>
                {(body) => <Totals totals={body.totals} />}
            </Loaded>
            <Breakdown title="Spend by day" by="day" asked={asked} />
            <Box
                sx={{
                    display: 'grid',
                    gap: 2,
                    gridTemplateColumns: 'repeat(auto-fit, minmax(min(440px, 100%), 1fr))',
                }}
            >
                <Breakdown title="Spend by model" by="model" asked={asked} />
                <Breakdown title="Spend by provider" by="provider" asked={asked} />
                <Breakdown title="Spend by key" by="key" asked={asked} />
                {tenant === null && <Breakdown title="Spend by tenant" by="tenant" asked={asked} />}
                <Breakdown title="Requests by status" by="status" asked={asked} />
            </Box>
            <Tags tenant={tenant} range={range} />
        </Page>
    );
}

function Totals({ totals }: { totals: Schemas['UsageSumsBody'] }) {
    const figures = [
        { name: 'Spent', text: formatUsd(totals.costUsd), title: `$${totals.costUsd}` },
        { name: 'Requests', text: formatCount(totals.requests) },
        {
            name: 'Input tokens',
            text: formatCompact(totals.inputTokens),
            title: formatCount(totals.inputTokens),
        },
        {
            name: 'Output tokens',
            text: formatCompact(totals.outputTokens),
            title: formatCount(totals.outputTokens),
        },
    ];
    return (
        <Box
            component="dl"
            aria-label="Totals"
            sx={{
                display: 'grid',
                gap: 2,
                m: 0,
                gridTemplateColumns: 'repeat(auto-fit, minmax(min(160px, 100%), 1fr))',
            }}
        >
            {figures.map(({ name, text, title }) => (
                <Paper key={name} sx={{ p: 2 }} component="div">
                    <Typography component="dt" variant="body2" color="textSecondary">
                        {name}
                    </Typography>
                    <Typography
                        component="dd"
                        title={title}
                        sx={{ m: 0, fontSize: '1.4rem', fontWeight: 600 }}
                    >
                        {text}
                    </Typography>
                </Paper>
            ))}
        </Box>
    );
}
