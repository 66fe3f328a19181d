import { useMutation } from '@tanstack/react-query';

import { api, type Schemas } from '~/api/client';
import { BudgetFields } from '~/components/BudgetFields';
import { budgetOf, draftOf } from '~/components/budgets';
import { useDraft } from '~/components/form';
import { FormDialog } from '~/components/FormDialog';

import { setBudget, type BudgetScope } from './scope';

interface BudgetDialogProps {
    scope: BudgetScope;
    zone: string;
    /** The one that is changed; none where one is made. */
    budget: Schemas['StandingBody'] | null;
    /** Those that there are: one like them would take their place. */
    others: Schemas['StandingBody'][];
    onClose: () => void;
}

/** Makes a budget, or changes one. */
export function BudgetDialog({ scope, zone, budget, others, onClose }: BudgetDialogProps) {
    const create = useMutation({
        mutationFn: (made: Schemas['NewBudget']) => setBudget(scope, made),
    });
    const update = api.useMutation('put', '/admin/budget/{id}');
    const before = draftOf(budget, zone);
    const [draft, change] = useDraft(before);
    const body = budgetOf(draft, before);
    const isTaken = others.some(
        (other) =>
            other.period === draft.period &&
            isSame(other.models, body.models) &&
            isSame(other.providers, body.providers),
    );
    const save = () => {
        if (budget === null) return create.mutateAsync(body);
        return update.mutateAsync({ params: { path: { id: budget.id } }, body });
    };
    return (
        <FormDialog
            title={budget === null ? 'New budget' : 'Change the budget'}
            action={budget === null ? (isTaken ? 'Replace' : 'Create') : 'Save'}
            onSubmit={save}
            onClose={onClose}
        >
            <BudgetFields draft={draft} change={change} zone={zone} />
            {budget === null && isTaken && (
                <span role="status">
                    There is one of this period, models and providers: this one replaces it.
                </span>
            )}
        </FormDialog>
    );
}

function isSame(one: string[], other: string[] | null | undefined): boolean {
    return [...one].sort().join() === [...(other ?? [])].sort().join();
}
