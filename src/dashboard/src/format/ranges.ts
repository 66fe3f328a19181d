/** The time ranges that can be chosen, with what they are called. */
export const RANGES = {
    today: 'Today',
    '7d': 'Last 7 days',
    '30d': 'Last 30 days',
    '90d': 'Last 90 days',
    week: 'This week',
    lastWeek: 'Last week',
    month: 'This month',
    lastMonth: 'Last month',
    custom: 'From … to …',
} as const;

export type RangeName = keyof typeof RANGES;
export const DEFAULT_RANGE = '30d';

/** Whole days, both included, as the API takes them. */
export interface Days {
    startDate: string;
    endDate: string;
}

export function isRangeName(text: string | null): text is RangeName {
    return text !== null && text in RANGES;
}

/** Days of the calendar, without any zone. */
function addDays(day: string, count: number): string {
    const date = new Date(`${day}T00:00:00Z`);
    date.setUTCDate(date.getUTCDate() + count);
    return date.toISOString().slice(0, 10);
}

function firstOfMonth(day: string): string {
    return `${day.slice(0, 8)}01`;
}

/** Weeks begin on Mondays. */
function firstOfWeek(day: string): string {
    const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
    return addDays(day, -((weekday + 6) % 7));
}

/** What a range means on a day. */
export function daysOf(range: Exclude<RangeName, 'custom'>, today: string): Days {
    switch (range) {
        case 'today':
            return { startDate: today, endDate: today };
        case '7d':
            return { startDate: addDays(today, -6), endDate: today };
        case '30d':
            return { startDate: addDays(today, -29), endDate: today };
        case '90d':
            return { startDate: addDays(today, -89), endDate: today };
        case 'week':
            return { startDate: firstOfWeek(today), endDate: today };
        case 'lastWeek': {
            const endDate = addDays(firstOfWeek(today), -1);
            return { startDate: firstOfWeek(endDate), endDate };
        }
        case 'month':
            return { startDate: firstOfMonth(today), endDate: today };
        case 'lastMonth': {
            const endDate = addDays(firstOfMonth(today), -1);
            return { startDate: firstOfMonth(endDate), endDate };
        }
    }
}
