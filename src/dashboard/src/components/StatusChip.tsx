import { Chip, type ChipProps } from '@mui/material';

/** The colour of a state, in every place the same. */
const COLORS: Record<string, ChipProps['color']> = {
    healthy: 'success',
    allowed: 'success',
    denied: 'error',
    ok: 'success',
    reachable: 'success',
    intact: 'success',
    unreachable: 'error',
    failing: 'error',
    altered: 'error',
    left_alone: 'warning',
    success: 'success',
    active: 'success',
    delivered: 'success',
    warning: 'warning',
    blocked: 'warning',
    aborted: 'warning',
    pending: 'warning',
    critical: 'error',
    exceeded: 'error',
    failed: 'error',
    error: 'error',
    interrupted: 'error',
    given_up: 'error',
    budget_exceeded: 'error',
};

/** A state as a word, and as a colour beside it. */
export function StatusChip({ status }: { status: string }) {
    const color = COLORS[status] ?? 'default';
    return (
        <Chip size="small" variant="outlined" color={color} label={status.replaceAll('_', ' ')} />
    );
}
