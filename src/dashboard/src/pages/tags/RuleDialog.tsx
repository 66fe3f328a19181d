import DeleteOutlined from '@mui/icons-material/DeleteOutlined';
import {
    Autocomplete,
    Button,
    FormControlLabel,
    IconButton,
    Stack,
    Switch,
    TextField,
} from '@mui/material';

import { api, type Schemas } from '~/api/client';
import { useDraft } from '~/components/form';
import { FormDialog } from '~/components/FormDialog';
import { FormField } from '~/components/FormField';
import { partsOf, textOf } from '~/format/lists';
import type { Tenant } from '~/shell/place';

import type { Tag } from './tree';

export type Rule = Schemas['RuleBody'];
export type Key = Schemas['KeyBody'];

const NAME_LENGTH_MAX = 200;
const PRIORITY_MAX = 1_000_000;
const WEIGHT_MAX = 10;
const TAGS_MAX = 32;
const PATTERNS_HELP = 'Names with commas between; * is any characters, ? is one. Empty is all.';

interface RuleDraft {
    name: string;
    priority: string;
    isActive: boolean;
    routes: string;
    models: string;
    apiKeyIds: number[];
    headers: string;
    tags: { tagId: string; weight: string }[];
}

function draftOf(rule: Rule | null, tags: Tag[]): RuleDraft {
    const first = tags.find((tag) => tag.isActive) ?? tags[0];
    const { routes = [], models = [], apiKeyIds = [], headers = {} } = rule?.conditions ?? {};
    const given = rule?.actions.tags ?? [{ tagId: first?.id ?? '', weight: 1 }];
    return {
        name: rule?.name ?? '',
        priority: String(rule?.priority ?? 0),
        isActive: rule?.isActive ?? true,
        routes: textOf(routes),
        models: textOf(models),
        apiKeyIds,
        headers: Object.entries(headers)
            .map(([name, patterns]) => `${name}: ${textOf(patterns)}`)
            .join('\n'),
        tags: given.map(({ tagId, weight }) => ({ tagId: String(tagId), weight: String(weight) })),
    };
}

/** Headers with their patterns, one in each line. */
function headersOf(text: string): Record<string, string[]> {
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    return Object.fromEntries(
        lines.map((line) => {
            const [name = '', ...rest] = line.split(':');
            return [name.trim(), partsOf(rest.join(':'))];
        }),
    );
}

function ruleOf(draft: RuleDraft): Schemas['NewRule'] {
    return {
        name: draft.name,
        priority: draft.priority,
        isActive: draft.isActive,
        conditions: {
            routes: partsOf(draft.routes),
            models: partsOf(draft.models),
            apiKeyIds: draft.apiKeyIds,
            headers: headersOf(draft.headers),
        },
        actions: { tags: draft.tags },
    };
}

interface RuleDialogProps {
    tenant: Tenant;
    tags: Tag[];
    keys: Key[];
    /** The one that is changed; none where one is made. */
    rule: Rule | null;
    onClose: () => void;
}

/** Makes a tagging rule, or changes one. */
export function RuleDialog({ tenant, tags, keys, rule, onClose }: RuleDialogProps) {
    const create = api.useMutation('post', '/admin/tenant/{id}/tagging-rules');
    const update = api.useMutation('put', '/admin/tenant/{id}/tagging-rules/{rule}');
    const [draft, change] = useDraft(draftOf(rule, tags));
    const set = (field: keyof RuleDraft) => (text: string) => {
        change({ [field]: text });
    };
    const save = () => {
        const body = ruleOf(draft);
        const id = tenant.id;
        if (rule === null) return create.mutateAsync({ params: { path: { id } }, body });
        return update.mutateAsync({ params: { path: { id, rule: rule.id } }, body });
    };
    return (
        <FormDialog
            title={rule === null ? 'New tagging rule' : `Change the rule ${rule.name}`}
            action={rule === null ? 'Create' : 'Save'}
            onSubmit={save}
            onClose={onClose}
        >
            <FormField
                name="name"
                label="Name"
                required
                value={draft.name}
                onChange={set('name')}
                html={{ maxLength: NAME_LENGTH_MAX }}
            />
            <FormField
                name="priority"
                label="Priority"
                type="number"
                required
                value={draft.priority}
                onChange={set('priority')}
                help="Rules with a larger one come first."
                html={{ min: 0, max: PRIORITY_MAX, step: 1 }}
            />
            <FormField
                name="routes"
                label="Only these routes"
                value={draft.routes}
                onChange={set('routes')}
                help={PATTERNS_HELP}
            />
            <FormField
                name="models"
                label="Only these models"
                value={draft.models}
                onChange={set('models')}
                help={PATTERNS_HELP}
            />
            <Autocomplete
                multiple
                size="small"
                options={keys}
                value={keys.filter(({ id }) => draft.apiKeyIds.includes(id))}
                getOptionLabel={(key) => key.name || key.prefix}
                getOptionKey={(key) => key.id}
                onChange={(_event, chosen) => {
                    change({ apiKeyIds: chosen.map(({ id }) => id) });
                }}
                renderInput={(params) => <TextField {...params} label="Only these keys" />}
            />
            <FormField
                name="headers"
                label="Only with these headers"
                multiline
                value={draft.headers}
                onChange={set('headers')}
                help="One in each line, such as x-team: search, ads*"
            />
            <GivenTags
                tags={tags}
                given={draft.tags}
                onChange={(given) => {
                    change({ tags: given });
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

interface GivenTagsProps {
    tags: Tag[];
    given: RuleDraft['tags'];
    onChange: (given: RuleDraft['tags']) => void;
}

function GivenTags({ tags, given, onChange }: GivenTagsProps) {
    const options = Object.fromEntries(tags.map(({ id, path }) => [String(id), path]));
    const [first] = tags;
    const replace = (at: number, part: Partial<RuleDraft['tags'][number]>) => {
        onChange(given.map((tag, index) => (index === at ? { ...tag, ...part } : tag)));
    };
    return (
        <>
            {given.map(({ tagId, weight }, at) => (
                <Stack key={at} direction="row" spacing={1} sx={{ alignItems: 'start' }}>
                    <FormField
                        name={`tags/${at}/tagId`}
                        label={`Tag ${at + 1}`}
                        options={options}
                        value={tagId}
                        onChange={(text) => {
                            replace(at, { tagId: text });
                        }}
                    />
                    <FormField
                        name={`tags/${at}/weight`}
                        label={`Weight ${at + 1}`}
                        type="number"
                        required
                        value={weight}
                        onChange={(text) => {
                            replace(at, { weight: text });
                        }}
                        html={{ min: 0, max: WEIGHT_MAX, step: 'any' }}
                    />
                    <IconButton
                        aria-label={`Take tag ${at + 1} out`}
                        disabled={given.length === 1}
                        onClick={() => {
                            onChange(given.filter((_tag, index) => index !== at));
                        }}
                    >
                        <DeleteOutlined />
                    </IconButton>
                </Stack>
            ))}
            <Button
                disabled={first === undefined || given.length >= TAGS_MAX}
                onClick={() => {
                    onChange([...given, { tagId: String(first?.id ?? ''), weight: '1' }]);
                }}
                sx={{ alignSelf: 'start' }}
            >
                Another tag
            </Button>
        </>
    );
}
