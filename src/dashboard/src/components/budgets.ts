import type { Schemas } from '~/api/client';
import { dayIn } from '~/format/dates';
import { partsOf, textOf } from '~/format/lists';

export type Limit = Schemas['LimitBody'];
type Thresholds = Schemas['ThresholdsAsked'];

export const PERIODS: Record<Limit['period'], string> = {
    hourly: 'hourly',
    daily: 'daily',
    weekly: 'weekly',
    monthly: 'monthly',
    total: 'total, without an end',
    custom: 'custom, from … to …',
};

export const ENFORCEMENTS: Record<Limit['enforcement'], string> = {
    enforce: 'refuses requests',
    shadow: 'only counts (shadow)',
};

/** A budget as a form has it: texts. */
export interface BudgetDraft {
    amountUsd: string;
    period: Limit['period'];
    startDate: string;
    endDate: string;
    enforcement: Limit['enforcement'];
    models: string;
    providers: string;
    alertThresholds: string;
}

/** Thresholds as a list, or each with its name. */
export function thresholdsText(thresholds: Thresholds | null): string {
    if (thresholds === null) return '';
    if (Array.isArray(thresholds)) return textOf(thresholds.map(String));
    return textOf(Object.entries(thresholds).map(([name, percent]) => `${name}=${percent}`));
}

/** What such a text means; nothing is the usual ones. */
function readThresholds(text: string): Thresholds | null {
    const parts = text.split(',').filter((part) => part.trim() !== '');
    if (parts.length === 0) return null;
    if (!text.includes('=')) return parts.map(Number);
    const pairs = parts.map((part) => {
        const [name = '', percent = ''] = part.split('=');
        return [name.trim(), Number(percent)] as const;
    });
    return Object.fromEntries(pairs);
}

/** A budget as a form begins with it; days are those of the calendar that it follows. */
export function draftOf(limit: Limit | null, zone: string): BudgetDraft {
    const day = (text: string | null | undefined) => (text ? dayIn(zone, text) : '');
    const isCustom = limit?.period === 'custom';
    return {
        amountUsd: limit?.amountUsd ?? '',
        period: limit?.period ?? 'monthly',
        startDate: isCustom ? day(limit.startDate) : '',
        endDate: isCustom ? day(limit.endDate) : '',
        enforcement: limit?.enforcement ?? 'enforce',
        models: textOf(limit?.models ?? []),
        providers: textOf(limit?.providers ?? []),
        alertThresholds: thresholdsText(limit?.alertThresholds ?? null),
    };
}

/** A budget as it is sent. Dates and thresholds that are as before are left out, and so stay exact. */
export function budgetOf(draft: BudgetDraft, before: BudgetDraft): Schemas['NewBudget'] {
    const budget: Schemas['NewBudget'] = {
        amountUsd: draft.amountUsd,
        period: draft.period,
        enforcement: draft.enforcement,
        models: partsOf(draft.models),
        providers: partsOf(draft.providers),
    };
    if (draft.alertThresholds !== before.alertThresholds) {
        budget.alertThresholds = readThresholds(draft.alertThresholds);
    }
    if (draft.period === 'custom') {
        if (draft.startDate !== before.startDate) budget.startDate = draft.startDate;
        if (draft.endDate !== before.endDate) budget.endDate = draft.endDate;
    }
    return budget;
}
