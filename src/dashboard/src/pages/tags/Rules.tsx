import { Button, TableCell, TableRow } from '@mui/material';
import { useState } from 'react';

import { api, SLOW_INTERVAL_MS, type Schemas } from '~/api/client';
import { ChangeMenu } from '~/components/ChangeMenu';
import { ConfirmDialog } from '~/components/ConfirmDialog';
import { ListTable } from '~/components/ListTable';
import { Section } from '~/components/Section';
import { Empty, Loaded } from '~/components/States';
import { StatusChip } from '~/components/StatusChip';
import { useMay } from '~/session/session';
import type { Tenant } from '~/shell/place';

import { RuleDialog, type Key, type Rule } from './RuleDialog';
import type { Tag } from './tree';

const HEIGHT_PX = 200;
const HEADS = ['Name', 'Priority', 'For requests with', 'Gives', 'State', ''];

interface RulesProps {
    tenant: Tenant;
    tags: Tag[];
}

/** Which requests get which tags without naming them. */
export function Rules({ tenant, tags }: RulesProps) {
    const params = { path: { id: tenant.id } };
    const mayMake = useMay('operator') && tags.length > 0;
    const [isMaking, setIsMaking] = useState(false);
    const rules = api.useQuery(
        'get',
        '/admin/tenant/{id}/tagging-rules',
        { params },
        { refetchInterval: SLOW_INTERVAL_MS },
    );
    const keys = api.useQuery('get', '/admin/tenant/{id}/apikeys', { params });
    const known = keys.data ?? [];
    return (
        <Section
            title="Tagging rules"
            actions={
                mayMake && (
                    <Button
                        variant="outlined"
                        onClick={() => {
                            setIsMaking(true);
                        }}
                    >
                        New rule
                    </Button>
                )
            }
        >
            <Loaded
                query={rules}
                height={HEIGHT_PX}
                isEmpty={(all) => all.length === 0}
                empty={
                    <Empty title="There is no rule yet" height={HEIGHT_PX}>
                        A rule gives tags to requests by their route, model, key or headers.
                    </Empty>
                }
            >
                {(all) => (
                    <ListTable label="Tagging rules" heads={HEADS}>
                        {all.map((rule) => (
                            <RuleRow
                                key={rule.id}
                                tenant={tenant}
                                tags={tags}
                                keys={known}
                                rule={rule}
                            />
                        ))}
                    </ListTable>
                )}
            </Loaded>
            {isMaking && (
                <RuleDialog
                    tenant={tenant}
                    tags={tags}
                    keys={known}
                    rule={null}
                    onClose={() => {
                        setIsMaking(false);
                    }}
                />
            )}
        </Section>
    );
}

/** What a request has to have, in words. */
function conditionsOf({ conditions }: Rule, keys: Key[]): string {
    const { routes, models, apiKeyIds, headers } = conditions;
    const named = apiKeyIds.map((id) => keys.find((key) => key.id === id)?.name ?? String(id));
    const told = [
        ['route', routes],
        ['model', models],
        ['key', named],
        ...Object.entries(headers),
    ] satisfies [string, string[]][];
    const parts = told
        .filter(([, patterns]) => patterns.length > 0)
        .map(([name, patterns]) => `${name} ${patterns.join(' or ')}`);
    return parts.length === 0 ? 'anything' : parts.join('; ');
}

interface RuleRowProps extends RulesProps {
    keys: Key[];
    rule: Rule;
}

function RuleRow({ tenant, tags, keys, rule }: RuleRowProps) {
    const mayChange = useMay('operator');
    const remove = api.useMutation('delete', '/admin/tenant/{id}/tagging-rules/{rule}');
    const given = ({ tagId, weight }: Schemas['RuleTagBody']) => {
        const path = tags.find(({ id }) => id === tagId)?.path ?? String(tagId);
        return weight === 1 ? path : `${path} × ${weight}`;
    };
    return (
        <TableRow hover>
            <TableCell component="th" scope="row" sx={{ overflowWrap: 'anywhere' }}>
                {rule.name}
            </TableCell>
            <TableCell>{rule.priority}</TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>{conditionsOf(rule, keys)}</TableCell>
            <TableCell>{rule.actions.tags.map(given).join(', ')}</TableCell>
            <TableCell>
                <StatusChip status={rule.isActive ? 'active' : 'inactive'} />
            </TableCell>
            <TableCell align="right">
                <ChangeMenu
                    of={`the rule ${rule.name}`}
                    mayChange={mayChange}
                    change={(onClose) => (
                        <RuleDialog
                            tenant={tenant}
                            tags={tags}
                            keys={keys}
                            rule={rule}
                            onClose={onClose}
                        />
                    )}
                    remove={(onClose) => (
                        <ConfirmDialog
                            title={`Delete the rule ${rule.name}?`}
                            action="Delete the rule"
                            onConfirm={() =>
                                remove.mutateAsync({
                                    params: { path: { id: tenant.id, rule: rule.id } },
                                })
                            }
                            onClose={onClose}
                        >
                            Requests get no tags by it from now on. Those that did keep them.
                        </ConfirmDialog>
                    )}
                />
            </TableCell>
        </TableRow>
    );
}
