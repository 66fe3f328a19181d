import { Stack, Typography } from '@mui/material';

import type { Schemas } from '~/api/client';
import { StatusChip } from '~/components/StatusChip';
import { formatCount } from '~/format/numbers';

/** What rules said to a request. */
export function Decision({ trial }: { trial: Schemas['TrialBody'] }) {
    const { decision, error } = trial;
    if (decision === null) {
        return (
            <Stack spacing={0.5} sx={{ alignItems: 'start' }}>
                <StatusChip status="failed" />
                <Typography variant="body2" sx={{ overflowWrap: 'anywhere' }}>
                    {error ?? 'There is no decision'}: such a request is refused.
                </Typography>
            </Stack>
        );
    }
    const effects = [
        decision.reason,
        decision.model !== null && `asks ${decision.model} instead`,
        decision.maxOutputTokens !== null &&
            `at most ${formatCount(decision.maxOutputTokens)} output tokens`,
        decision.tagsRequired.length > 0 && `needs the tags ${decision.tagsRequired.join(', ')}`,
    ].filter(Boolean);
    return (
        <Stack spacing={0.5} sx={{ alignItems: 'start' }}>
            <StatusChip status={decision.allow ? 'allowed' : 'denied'} />
            {effects.length > 0 && (
                <Typography variant="body2" sx={{ overflowWrap: 'anywhere' }}>
                    {effects.join('; ')}
                </Typography>
            )}
        </Stack>
    );
}
