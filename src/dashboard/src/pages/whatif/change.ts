import type { Schemas } from '~/api/client';

export const PERIODS = ['hourly', 'daily', 'weekly', 'monthly', 'total'] as const;
export const SCOPES = ['installation', 'tenant', 'key', 'tag'] as const;

/** The most changes of one kind. */
export const CHANGES_MAX = 100;

/** What can be asked about, and what it is called. */
export const KINDS = {
    alter: 'Another limit of a budget',
    remove: 'Without a budget',
    set: 'A budget more',
    rate: 'Other rate limits',
    default: 'Another budget of those without one',
} as const;

export type ChangeKind = keyof typeof KINDS;

/** A change as it is typed: every kind has what it needs of these. */
export interface Change {
    kind: ChangeKind;
    budgetId: string;
    scope: (typeof SCOPES)[number];
    /** The key or tag. */
    ownerId: string;
    period: (typeof PERIODS)[number];
    amountUsd: string;
    models: string;
    rateLimitPerMin: string;
    tokensPerMin: string;
    maxConcurrent: string;
}

export const FIRST_CHANGE: Change = {
    kind: 'set',
    scope: 'tenant',
    budgetId: '',
    ownerId: '',
    period: 'daily',
    amountUsd: '',
    models: '',
    rateLimitPerMin: '',
    tokensPerMin: '',
    maxConcurrent: '',
};

/** The lists of the API that changes go into. */
const LISTS: Partial<Record<ChangeKind, string>> = {
    alter: 'alterBudgets',
    set: 'setBudgets',
    rate: 'rateLimits',
};

/** Where the server says that a change is, so that what it refuses is shown there. */
export function placeOf(changes: readonly Change[], index: number): string {
    const kind = changes[index]?.kind ?? 'set';
    if (kind === 'default') return 'changes/defaultBudgets';
    const before = changes.slice(0, index).filter((change) => change.kind === kind);
    return `changes/${LISTS[kind] ?? 'removeBudgets'}/${before.length}`;
}

function ownerOf({ scope, ownerId }: Change, tenantId: number | undefined) {
    switch (scope) {
        case 'installation':
            return {};
        case 'tenant':
            return { tenantId };
        case 'key':
            return { apiKeyId: ownerId };
        case 'tag':
            return { tagId: ownerId };
    }
}

function patternsOf(text: string): string[] {
    return text
        .split(',')
        .map((pattern) => pattern.trim())
        .filter((pattern) => pattern !== '');
}

/** Changes as the API takes them. */
export function changesOf(
    changes: readonly Change[],
    tenantId: number | undefined,
): Schemas['WhatIfChanges'] {
    const of = (kind: ChangeKind) => changes.filter((change) => change.kind === kind);
    return {
        alterBudgets: of('alter').map(({ budgetId, amountUsd }) => ({ budgetId, amountUsd })),
        removeBudgets: of('remove').map(({ budgetId }) => budgetId),
        setBudgets: of('set').map((change) => ({
            ...ownerOf(change, tenantId),
            period: change.period,
            amountUsd: change.amountUsd,
            models: patternsOf(change.models),
        })),
        rateLimits: of('rate').map((change) => ({
            ...ownerOf(change, tenantId),
            ...(change.rateLimitPerMin !== '' && { rateLimitPerMin: change.rateLimitPerMin }),
            ...(change.tokensPerMin !== '' && { tokensPerMin: change.tokensPerMin }),
            ...(change.maxConcurrent !== '' && { maxConcurrent: change.maxConcurrent }),
        })),
        defaultBudgets: Object.fromEntries(
            of('default').map(({ period, amountUsd }) => [period, amountUsd]),
        ),
    };
}
