import { Button, MenuItem, Stack } from '@mui/material';

import { Field } from '~/components/Field';
import { MoneyField } from '~/components/MoneyField';
import type { Tenant } from '~/shell/place';

import { KINDS, PERIODS, SCOPES, type Change, type ChangeKind } from './change';
import type { Choices } from './useChoices';

const USD_DECIMALS = 9;

interface ChangeRowProps {
    change: Change;
    /** Where the server says that it is. */
    place: string;
    label: string;
    tenant: Tenant | null;
    choices: Choices;
    onChange: (change: Change) => void;
    /** Missing where it is the only one. */
    onRemove: (() => void) | undefined;
}

/** One thing that would have been different. */
export function ChangeRow(props: ChangeRowProps) {
    const { change, place, label, tenant, choices, onChange, onRemove } = props;
    const { kind } = change;
    const isMoney = kind === 'alter' || kind === 'set' || kind === 'default';
    const set = (name: keyof Change) => (value: string) => {
        onChange({ ...change, [name]: value });
    };
    const limit = (name: 'rateLimitPerMin' | 'tokensPerMin' | 'maxConcurrent', title: string) => (
        <Field
            name={`${place}/${name}`}
            label={title}
            value={change[name]}
            onChange={set(name)}
            slotProps={{ htmlInput: { inputMode: 'numeric', pattern: '[0-9]{1,10}' } }}
            sx={{ width: 150 }}
        />
    );
    return (
        <Stack
            role="group"
            aria-label={label}
            direction="row"
            useFlexGap
            spacing={1}
            sx={{ flexWrap: 'wrap', alignItems: 'flex-start' }}
        >
            <Choice
                name={`${place}/kind`}
                label="What if there were"
                value={kind}
                options={Object.entries(KINDS)}
                onChange={(next) => {
                    const scope = next === 'rate' ? 'tenant' : change.scope;
                    onChange({ ...change, kind: next as ChangeKind, scope });
                }}
                width={250}
            />
            {(kind === 'alter' || kind === 'remove') && (
                <Choice
                    name={kind === 'alter' ? `${place}/budgetId` : 'removeBudgets'}
                    label="Budget"
                    value={change.budgetId}
                    options={[...choices.budgets].map(([id, name]) => [String(id), name])}
                    onChange={set('budgetId')}
                    width={300}
                />
            )}
            {(kind === 'set' || kind === 'rate') && (
                <Owner {...{ change, place, tenant, choices, onChange }} />
            )}
            {(kind === 'set' || kind === 'default') && (
                <Choice
                    name={`${place}/period`}
                    label="Period"
                    value={change.period}
                    options={PERIODS.map((period) => [period, period])}
                    onChange={set('period')}
                    width={120}
                />
            )}
            {isMoney && (
                <MoneyField
                    name={kind === 'default' ? `${place}/${change.period}` : `${place}/amountUsd`}
                    label="Limit"
                    required
                    decimals={USD_DECIMALS}
                    value={change.amountUsd}
                    onChange={set('amountUsd')}
                    sx={{ width: 150 }}
                />
            )}
            {kind === 'set' && (
                <Field
                    name={`${place}/models`}
                    label="Only models like"
                    value={change.models}
                    onChange={set('models')}
                    helperText="With commas between; * is any text"
                    sx={{ width: 220 }}
                />
            )}
            {kind === 'rate' && (
                <>
                    {limit('rateLimitPerMin', 'Requests a minute')}
                    {limit('tokensPerMin', 'Tokens a minute')}
                    {limit('maxConcurrent', 'At the same time')}
                </>
            )}
            {onRemove && (
                <Button color="error" aria-label={`Remove: ${label}`} onClick={onRemove}>
                    Remove
                </Button>
            )}
        </Stack>
    );
}

type OwnerProps = Pick<ChangeRowProps, 'change' | 'place' | 'tenant' | 'choices' | 'onChange'>;

/** Whose limit it is. */
function Owner({ change, place, tenant, choices, onChange }: OwnerProps) {
    const { kind, scope, ownerId } = change;
    const offered = SCOPES.filter((name) => kind === 'set' || name === 'tenant' || name === 'key');
    const names = { installation: 'Installation', tenant: 'Tenant', key: 'A key', tag: 'A tag' };
    const owners = scope === 'key' ? choices.keys : choices.tags;
    return (
        <>
            <Choice
                name={`${place}/tenantId`}
                label="Whose"
                value={scope}
                options={offered.map((name) => [
                    name,
                    name === 'tenant' ? (tenant?.name ?? 'Choose a tenant above') : names[name],
                ])}
                onChange={(next) => {
                    onChange({ ...change, scope: next as Change['scope'], ownerId: '' });
                }}
                width={180}
            />
            {(scope === 'key' || scope === 'tag') && (
                <Choice
                    name={`${place}/${scope === 'key' ? 'apiKeyId' : 'tagId'}`}
                    label={scope === 'key' ? 'Key' : 'Tag'}
                    value={ownerId}
                    options={[...owners].map(([id, name]) => [String(id), name])}
                    onChange={(next) => {
                        onChange({ ...change, ownerId: next });
                    }}
                    width={220}
                />
            )}
        </>
    );
}

interface ChoiceProps {
    name: string;
    label: string;
    value: string;
    options: [value: string, title: string][];
    onChange: (value: string) => void;
    width: number;
}

function Choice({ name, label, value, options, onChange, width }: ChoiceProps) {
    const isKnown = options.some(([option]) => option === value);
    return (
        <Field
            select
            name={name}
            label={label}
            required
            value={isKnown ? value : ''}
            onChange={onChange}
            sx={{ width, maxWidth: '100%' }}
        >
            {options.length === 0 && (
                <MenuItem disabled value="">
                    There is none
                </MenuItem>
            )}
            {options.map(([option, title]) => (
                <MenuItem key={option} value={option}>
                    {title}
                </MenuItem>
            ))}
        </Field>
    );
}
