import { ENFORCEMENTS, PERIODS, type BudgetDraft } from './budgets';
import { FormField, USD_INPUT } from './FormField';

/** Names or patterns of them, with commas or blanks between. */
const PATTERNS = '[^\\[\\]\\{\\}\\\\]*';
/** Whole numbers with commas between, each perhaps with a name. */
const THRESHOLDS = '\\s*(([^,=]+=)?\\s*[0-9]{1,4}\\s*(,\\s*|$))*';

interface BudgetFieldsProps {
    draft: BudgetDraft;
    change: (part: Partial<BudgetDraft>) => void;
    /** The calendar that it follows. */
    zone: string;
    /** Whether the period stays as it is. */
    hasPeriod?: boolean;
}

/** What every budget has, of whatever scope it is. */
export function BudgetFields({ draft, change, zone, hasPeriod = false }: BudgetFieldsProps) {
    const isCustom = draft.period === 'custom';
    const set = (name: keyof BudgetDraft) => (text: string) => {
        change({ [name]: text });
    };
    return (
        <>
            <FormField
                name="amountUsd"
                label="Limit in dollars"
                required
                value={draft.amountUsd}
                onChange={set('amountUsd')}
                html={USD_INPUT}
            />
            <FormField
                name="period"
                label="Period"
                options={PERIODS}
                disabled={hasPeriod}
                value={draft.period}
                onChange={set('period')}
                help={`Days and weeks begin in ${zone}.`}
            />
            {isCustom && (
                <>
                    <FormField
                        name="startDate"
                        label="First day"
                        type="date"
                        required
                        value={draft.startDate}
                        onChange={set('startDate')}
                    />
                    <FormField
                        name="endDate"
                        label="Last day"
                        type="date"
                        required
                        value={draft.endDate}
                        onChange={set('endDate')}
                        html={{ min: draft.startDate }}
                    />
                </>
            )}
            <FormField
                name="enforcement"
                label="What it does when it is used up"
                options={ENFORCEMENTS}
                value={draft.enforcement}
                onChange={set('enforcement')}
            />
            <FormField
                name="models"
                label="Only these models"
                value={draft.models}
                onChange={set('models')}
                help="Names with commas between; * is any characters, ? is one. Empty is all."
                html={{ pattern: PATTERNS }}
            />
            <FormField
                name="providers"
                label="Only these providers"
                value={draft.providers}
                onChange={set('providers')}
                help="As for models."
                html={{ pattern: PATTERNS }}
            />
            <FormField
                name="alertThresholds"
                label="Alerts at percents of the limit"
                value={draft.alertThresholds}
                onChange={set('alertThresholds')}
                help="Such as 75, 90, 100, or with names: early=50, late=95. Empty is the usual ones."
                html={{ pattern: THRESHOLDS }}
            />
        </>
    );
}
