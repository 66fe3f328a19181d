import { Tooltip } from '@mui/material';

import { formatInstant, formatInstantWithZone, formatRelative } from '~/format/dates';

interface InstantProps {
    /** As the API gives it. */
    at: string | null | undefined;
    /** How far away it is, instead of when it is. */
    relative?: boolean;
}

/** A point in time in the viewer's zone. */
export function Instant({ at, relative = false }: InstantProps) {
    if (!at) return <span>{relative ? formatRelative(at) : formatInstant(at)}</span>;
    return (
        <Tooltip title={relative ? formatInstantWithZone(at) : formatRelative(at)}>
            <time dateTime={at}>{relative ? formatRelative(at) : formatInstant(at)}</time>
        </Tooltip>
    );
}
