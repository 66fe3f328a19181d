import AccountCircle from '@mui/icons-material/AccountCircle';
import {
    Divider,
    IconButton,
    ListItemText,
    Menu,
    MenuItem,
    TextField,
    Tooltip,
} from '@mui/material';
import { useState } from 'react';

import { api } from '~/api/client';
import { FormDialog } from '~/components/FormDialog';
import { useSession } from '~/session/session';

/** Who is logged in, and what they can do about it. */
export function Account() {
    const { state, logOut } = useSession();
    const [anchor, setAnchor] = useState<HTMLElement | null>(null);
    const [isChanging, setIsChanging] = useState(false);
    if (state.kind !== 'in') return null;
    const { session } = state;
    const close = () => {
        setAnchor(null);
    };
    return (
        <>
            <Tooltip title="Account">
                <IconButton
                    aria-label="Account"
                    aria-haspopup="menu"
                    onClick={(event) => {
                        setAnchor(event.currentTarget);
                    }}
                >
                    <AccountCircle />
                </IconButton>
            </Tooltip>
            <Menu anchorEl={anchor} open={anchor !== null} onClose={close}>
                <MenuItem disabled sx={{ '&.Mui-disabled': { opacity: 1 } }}>
                    <ListItemText primary={session.name ?? 'Admin key'} secondary={session.role} />
                </MenuItem>
                <Divider component="li" />
                {session.userId !== null && (
                    <MenuItem
                        onClick={() => {
                            close();
                            setIsChanging(true);
                        }}
                    >
                        Change the password
                    </MenuItem>
                )}
                <MenuItem onClick={() => void logOut()}>Log out</MenuItem>
            </Menu>
            {isChanging && (
                <PasswordDialog
                    onClose={() => {
                        setIsChanging(false);
                    }}
                />
            )}
        </>
    );
}

function PasswordDialog({ onClose }: { onClose: () => void }) {
    const { renew } = useSession();
    const change = api.useMutation('put', '/admin/session/password');
    const [currentPassword, setCurrentPassword] = useState('');
    const [newPassword, setNewPassword] = useState('');
    const submit = async () => {
        renew(await change.mutateAsync({ body: { currentPassword, newPassword } }));
    };
    return (
        <FormDialog title="Change the password" action="Change" onSubmit={submit} onClose={onClose}>
            <TextField
                label="Present password"
                type="password"
                autoComplete="current-password"
                required
                value={currentPassword}
                onChange={(event) => {
                    setCurrentPassword(event.target.value);
                }}
            />
            <TextField
                label="New password"
                type="password"
                autoComplete="new-password"
                required
                helperText="Everywhere else you are logged out."
                value={newPassword}
                onChange={(event) => {
                    setNewPassword(event.target.value);
                }}
            />
        </FormDialog>
    );
}
