import { FormControlLabel, Switch } from '@mui/material';

import { api, type Schemas } from '~/api/client';
import { BudgetFields } from '~/components/BudgetFields';
import { budgetOf, draftOf, type BudgetDraft } from '~/components/budgets';
import { useDraft } from '~/components/form';
import { FormDialog } from '~/components/FormDialog';
import { FormField } from '~/components/FormField';
import type { Tenant } from '~/shell/place';

import type { Tag } from './tree';

export type TagBudget = Schemas['TagBudgetBody'];
type Mode = TagBudget['inheritanceMode'];

const WEIGHT_MAX = 10;
const MODES: Record<Mode, string> = {
    STRICT: 'strict: a ceiling for them as for its own',
    LENIENT: 'lenient: refuses them once it is spent',
    BYPASS: 'bypass: counts them and never refuses one',
};

interface Draft extends BudgetDraft {
    weight: string;
    inheritanceMode: Mode;
    isActive: boolean;
}

interface TagBudgetDialogProps {
    tenant: Tenant;
    tag: Tag;
    /** The one that is changed; none where one is made. */
    budget: TagBudget | null;
    onClose: () => void;
}

/** Makes a budget of a tag, or changes one, whose period stays. */
export function TagBudgetDialog({ tenant, tag, budget, onClose }: TagBudgetDialogProps) {
    const create = api.useMutation('post', '/admin/tenant/{id}/tags/{tag}/budgets');
    const update = api.useMutation('put', '/admin/budget/tag/{id}');
    const zone = tenant.timeZone ?? 'UTC';
    const before: Draft = {
        ...draftOf(budget, zone),
        weight: String(budget?.weight ?? 1),
        inheritanceMode: budget?.inheritanceMode ?? 'LENIENT',
        isActive: budget?.isActive ?? true,
    };
    const [draft, change] = useDraft(before);
    const save = () => {
        const { weight, inheritanceMode, isActive } = draft;
        const body = { ...budgetOf(draft, before), weight, inheritanceMode, isActive };
        if (budget !== null) {
            return update.mutateAsync({ params: { path: { id: budget.id } }, body });
        }
        return create.mutateAsync({ params: { path: { id: tenant.id, tag: tag.id } }, body });
    };
    return (
        <FormDialog
            title={budget === null ? `New budget of ${tag.path}` : 'Change the budget'}
            action={budget === null ? 'Create' : 'Save'}
            onSubmit={save}
            onClose={onClose}
        >
            <BudgetFields draft={draft} change={change} zone={zone} hasPeriod={budget !== null} />
            <FormField
                name="weight"
                label="Weight"
                type="number"
                required
                value={draft.weight}
                onChange={(weight) => {
                    change({ weight });
                }}
                help="How much of what a request costs counts on it: 1 is all of it."
                html={{ min: 0, max: WEIGHT_MAX, step: 'any' }}
            />
            <FormField
                name="inheritanceMode"
                label="Requests of tags below"
                options={MODES}
                value={draft.inheritanceMode}
                onChange={(mode) => {
                    change({ inheritanceMode: mode as Mode });
                }}
            />
            <FormControlLabel
                label="Active"
                control={
                    <Switch
                        checked={draft.isActive}
                        onChange={(event) => {
                            change({ isActive: event.target.checked });
                        }}
                    />
                }
            />
        </FormDialog>
    );
}
