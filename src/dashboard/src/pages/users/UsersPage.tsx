import { Button, TableCell, TableRow } from '@mui/material';
import { useState } from 'react';

import { api, SLOW_INTERVAL_MS, type Role, type Schemas } from '~/api/client';
import { ConfirmDialog } from '~/components/ConfirmDialog';
import { useDraft } from '~/components/form';
import { FormDialog } from '~/components/FormDialog';
import { FormField } from '~/components/FormField';
import { Instant } from '~/components/Instant';
import { ListTable } from '~/components/ListTable';
import { Page } from '~/components/Page';
import { RowMenu } from '~/components/RowMenu';
import { Empty, Loaded } from '~/components/States';
import { StatusChip } from '~/components/StatusChip';

type User = Schemas['UserBody'];

const NAME_LENGTH_MAX = 200;
const PASSWORD_LENGTH_MIN = 12;
const PASSWORD_LENGTH_MAX = 1024;
const HEIGHT_PX = 320;
const HEADS = ['Name', 'Role', 'State', 'Last log-in', 'Made', ''];
const ROLES: Record<Role, string> = {
    viewer: 'viewer: sees',
    operator: 'operator: changes budgets, keys, tags',
    admin: 'admin: everything, users too',
};

/** Who may log in, and what they may do. */
export default function UsersPage() {
    const users = api.useQuery('get', '/admin/users', {}, { refetchInterval: SLOW_INTERVAL_MS });
    const [isMaking, setIsMaking] = useState(false);
    return (
        <Page
            title="Users"
            about="Who may log in to these pages, and what they may do."
            actions={
                <Button
                    variant="contained"
                    onClick={() => {
                        setIsMaking(true);
                    }}
                >
                    New user
                </Button>
            }
        >
            <Loaded
                query={users}
                height={HEIGHT_PX}
                isEmpty={(all) => all.length === 0}
                empty={
                    <Empty title="There is no user yet" height={HEIGHT_PX}>
                        Until there is one, the admin key is the only way in.
                    </Empty>
                }
            >
                {(all) => (
                    <ListTable label="Users" heads={HEADS}>
                        {all.map((user) => (
                            <UserRow key={user.id} user={user} />
                        ))}
                    </ListTable>
                )}
            </Loaded>
            {isMaking && (
                <NewUserDialog
                    onClose={() => {
                        setIsMaking(false);
                    }}
                />
            )}
        </Page>
    );
}

function UserRow({ user }: { user: User }) {
    const update = api.useMutation('put', '/admin/users/{id}');
    const disable = api.useMutation('delete', '/admin/users/{id}');
    const [doing, setDoing] = useState<'changing' | 'password' | 'disabling' | 'enabling' | null>(
        null,
    );
    const onClose = () => {
        setDoing(null);
    };
    const params = { path: { id: user.id } };
    return (
        <TableRow hover>
            <TableCell component="th" scope="row" sx={{ overflowWrap: 'anywhere' }}>
                {user.name}
            </TableCell>
            <TableCell>{user.role}</TableCell>
            <TableCell>
                <StatusChip status={user.isActive ? 'active' : 'disabled'} />
            </TableCell>
            <TableCell>
                <Instant at={user.lastLoginAt} relative />
            </TableCell>
            <TableCell>
                <Instant at={user.createdAt} />
            </TableCell>
            <TableCell align="right">
                <RowMenu
                    of={user.name}
                    actions={{
                        'Name and role…': () => {
                            setDoing('changing');
                        },
                        'New password…': () => {
                            setDoing('password');
                        },
                        'Disable…':
                            user.isActive &&
                            (() => {
                                setDoing('disabling');
                            }),
                        'Enable…':
                            !user.isActive &&
                            (() => {
                                setDoing('enabling');
                            }),
                    }}
                />
                {doing === 'changing' && <ChangeDialog user={user} onClose={onClose} />}
                {doing === 'password' && <PasswordDialog user={user} onClose={onClose} />}
                {doing === 'disabling' && (
                    <ConfirmDialog
                        title={`Disable ${user.name}?`}
                        action="Disable the user"
                        onConfirm={() => disable.mutateAsync({ params })}
                        onClose={onClose}
                    >
                        They are logged out everywhere at once, and cannot log in until they are
                        enabled again. What they did stays in the audit log.
                    </ConfirmDialog>
                )}
                {doing === 'enabling' && (
                    <ConfirmDialog
                        title={`Enable ${user.name}?`}
                        action="Enable the user"
                        onConfirm={() => update.mutateAsync({ params, body: { isActive: true } })}
                        onClose={onClose}
                    >
                        They can log in again with their last password, as {user.role}.
                    </ConfirmDialog>
                )}
            </TableCell>
        </TableRow>
    );
}

interface IdentityFieldsProps {
    draft: { name: string; role: Role };
    change: (part: { name?: string; role?: Role }) => void;
}

function IdentityFields({ draft, change }: IdentityFieldsProps) {
    return (
        <>
            <FormField
                name="name"
                label="Name"
                required
                value={draft.name}
                onChange={(name) => {
                    change({ name });
                }}
                html={{ maxLength: NAME_LENGTH_MAX, autoComplete: 'off' }}
            />
            <FormField
                name="role"
                label="Role"
                options={ROLES}
                value={draft.role}
                onChange={(role) => {
                    change({ role: role as Role });
                }}
            />
        </>
    );
}

function PasswordField({ value, onChange }: { value: string; onChange: (text: string) => void }) {
    return (
        <FormField
            name="password"
            label="Password"
            type="password"
            required
            value={value}
            onChange={onChange}
            help={`At least ${PASSWORD_LENGTH_MIN} characters. They can change it themselves.`}
            html={{
                minLength: PASSWORD_LENGTH_MIN,
                maxLength: PASSWORD_LENGTH_MAX,
                autoComplete: 'new-password',
            }}
        />
    );
}

function NewUserDialog({ onClose }: { onClose: () => void }) {
    const create = api.useMutation('post', '/admin/users');
    const [draft, change] = useDraft<Schemas['NewUser']>({
        name: '',
        role: 'viewer',
        password: '',
    });
    return (
        <FormDialog
            title="New user"
            action="Create"
            onSubmit={() => create.mutateAsync({ body: draft })}
            onClose={onClose}
        >
            <IdentityFields draft={draft} change={change} />
            <PasswordField
                value={draft.password}
                onChange={(password) => {
                    change({ password });
                }}
            />
        </FormDialog>
    );
}

function ChangeDialog({ user, onClose }: { user: User; onClose: () => void }) {
    const update = api.useMutation('put', '/admin/users/{id}');
    const [draft, change] = useDraft({ name: user.name, role: user.role });
    return (
        <FormDialog
            title={`Change ${user.name}`}
            action="Save"
            onSubmit={() => update.mutateAsync({ params: { path: { id: user.id } }, body: draft })}
            onClose={onClose}
        >
            <IdentityFields draft={draft} change={change} />
        </FormDialog>
    );
}

function PasswordDialog({ user, onClose }: { user: User; onClose: () => void }) {
    const update = api.useMutation('put', '/admin/users/{id}');
    const [password, setPassword] = useState('');
    return (
        <FormDialog
            title={`New password of ${user.name}`}
            action="Set"
            onSubmit={() =>
                update.mutateAsync({ params: { path: { id: user.id } }, body: { password } })
            }
            onClose={onClose}
        >
            <span>They are logged out everywhere at once.</span>
            <PasswordField value={password} onChange={setPassword} />
        </FormDialog>
    );
}
