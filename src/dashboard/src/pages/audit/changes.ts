import type { Schemas } from '~/api/client';

export type Entry = Schemas['AuditEntryBody'];

/** A column that a change has touched; `null` where there was, or is, no such thing. */
export interface Change {
    column: string;
    before: string | null;
    after: string | null;
}

function textOf(value: unknown): string | null {
    if (value === undefined) return null;
    return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What differs between a thing before and after. */
export function changesOf({ before, after }: Entry): Change[] {
    const was: Record<string, unknown> = before ?? {};
    const is: Record<string, unknown> = after ?? {};
    return [...new Set([...Object.keys(was), ...Object.keys(is)])]
        .map((column) => ({ column, before: textOf(was[column]), after: textOf(is[column]) }))
        .filter((change) => change.before !== change.after);
}
