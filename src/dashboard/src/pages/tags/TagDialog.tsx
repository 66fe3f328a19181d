import { api, type Schemas } from '~/api/client';
import { useDraft } from '~/components/form';
import { FormDialog } from '~/components/FormDialog';
import { FormField, USD_INPUT } from '~/components/FormField';
import { plainUsd } from '~/format/money';
import type { Tenant } from '~/shell/place';

import { parentsFor, type Tag } from './tree';

const TEXT_LENGTH_MAX = 200;
/** Where a tag stands that is under no other. */
const TOP = 'top';

interface TagDialogProps {
    tenant: Tenant;
    tags: Tag[];
    /** The one that is changed; none where one is made. */
    tag: Tag | null;
    /** What it stands under at first. */
    parent: number | null;
    onClose: () => void;
}

/** Makes a tag, or changes, renames or moves one. */
export function TagDialog({ tenant, tags, tag, parent, onClose }: TagDialogProps) {
    const create = api.useMutation('post', '/admin/tenant/{id}/tags');
    const update = api.useMutation('put', '/admin/tenant/{id}/tags/{tag}');
    const [draft, change] = useDraft({
        name: tag?.name ?? '',
        parentId: parent === null ? TOP : String(parent),
        description: tag?.description ?? '',
        color: tag?.color ?? '',
        sessionBudgetUsd: plainUsd(tag?.sessionBudgetUsd),
    });
    const set = (field: keyof typeof draft) => (text: string) => {
        change({ [field]: text });
    };
    const above = parentsFor(tag, tags);
    const save = () => {
        const body: Schemas['NewTag'] = {
            name: draft.name,
            parentId: draft.parentId === TOP ? null : Number(draft.parentId),
            description: draft.description || null,
            color: draft.color || null,
            sessionBudgetUsd: draft.sessionBudgetUsd || null,
        };
        const id = tenant.id;
        if (tag === null) return create.mutateAsync({ params: { path: { id } }, body });
        return update.mutateAsync({ params: { path: { id, tag: tag.id } }, body });
    };
    return (
        <FormDialog
            title={tag === null ? 'New tag' : `Change ${tag.path}`}
            action={tag === null ? 'Create' : 'Save'}
            onSubmit={save}
            onClose={onClose}
        >
            <FormField
                name="name"
                label="Name"
                required
                value={draft.name}
                onChange={set('name')}
                help="Without commas and slashes."
                html={{ maxLength: TEXT_LENGTH_MAX, pattern: '[^,\\/]*' }}
            />
            <FormField
                name="parentId"
                label="Stands under"
                options={{
                    [TOP]: 'no other tag',
                    ...Object.fromEntries(above.map(({ id, path }) => [String(id), path])),
                }}
                value={draft.parentId}
                onChange={set('parentId')}
                help="What it spends from then on counts on that one too."
            />
            <FormField
                name="description"
                label="Description"
                value={draft.description}
                onChange={set('description')}
                html={{ maxLength: TEXT_LENGTH_MAX }}
            />
            <FormField
                name="color"
                label="Colour"
                value={draft.color}
                onChange={set('color')}
                help="Such as #1565c0; empty is none."
                html={{ pattern: '#[0-9a-fA-F]{6}' }}
            />
            <FormField
                name="sessionBudgetUsd"
                label="Budget of a session in dollars"
                value={draft.sessionBudgetUsd}
                onChange={set('sessionBudgetUsd')}
                help="What a session with this tag may spend; empty is no limit of its own."
                html={USD_INPUT}
            />
        </FormDialog>
    );
}
