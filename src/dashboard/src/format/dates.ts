const SECOND_MS = 1000;
const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
    ['day', 86_400 * SECOND_MS],
    ['hour', 3_600 * SECOND_MS],
    ['minute', 60 * SECOND_MS],
    ['second', SECOND_MS],
];

const instant = new Intl.DateTimeFormat('en-GB', {
    dateStyle: 'medium',
    timeStyle: 'medium',
});
const withZone = new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
});
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** The zone that instants are shown in: that of whoever looks. */
export const VIEWER_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

export function formatInstant(text: string | null | undefined): string {
    return text ? instant.format(new Date(text)) : '–';
}

/** With the zone, where it stands alone. */
export function formatInstantWithZone(text: string | null | undefined): string {
    return text ? withZone.format(new Date(text)) : '–';
}

/** Such as "in 3 hours" or "2 days ago". */
export function formatRelative(text: string | null | undefined, now = Date.now()): string {
    if (!text) return 'never';
    const distance = new Date(text).getTime() - now;
    for (const [unit, size] of UNITS) {
        if (Math.abs(distance) >= size) return relative.format(Math.trunc(distance / size), unit);
    }
    return 'now';
}

/** The day that it is now in a zone, such as `2026-01-31`. */
export function todayIn(zone: string, now = new Date()): string {
    return new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short' }).format(now);
}

/** The day that an instant is on in a zone, as inputs of dates have it. */
export function dayIn(zone: string, text: string): string {
    return todayIn(zone, new Date(text));
}
