import { Box, LinearProgress } from '@mui/material';

import { formatPercent } from '~/format/numbers';

/** The thresholds of the whole product, in percent of a limit. */
const WARNING = 75;
const CRITICAL = 90;
const FULL = 100;

/** How much of a limit is used. */
export function UsageBar({ percent, label }: { percent: number; label: string }) {
    const color = percent >= CRITICAL ? 'error' : percent >= WARNING ? 'warning' : 'success';
    return (
        <Box sx={{ display: 'flex', alignItems: 'center', gap: 1 }}>
            <LinearProgress
                variant="determinate"
                value={Math.min(percent, FULL)}
                color={color}
                aria-label={label}
                sx={{ flexGrow: 1, height: 8, borderRadius: 4 }}
            />
            <Box component="span" sx={{ minWidth: 56, textAlign: 'right' }}>
                {formatPercent(percent)}
            </Box>
        </Box>
    );
}
