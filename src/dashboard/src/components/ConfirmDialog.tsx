import {
    Alert,
    Button,
    Dialog,
    DialogActions,
    DialogContent,
    DialogTitle,
    Stack,
    TextField,
} from '@mui/material';
import { useId, useState, type ReactNode } from 'react';

import { messageOf } from './States';

interface ConfirmDialogProps {
    title: string;
    children: ReactNode;
    /** What the button says that does it. */
    action: string;
    /** What has to be typed first, for what cannot be undone. */
    typed?: string;
    onConfirm: () => Promise<unknown>;
    onClose: () => void;
}

/** Asks before something is done that somebody may regret. Shown while it is rendered. */
export function ConfirmDialog(props: ConfirmDialogProps) {
    const { title, children, action, typed, onConfirm, onClose } = props;
    const id = useId();
    const [text, setText] = useState('');
    const [error, setError] = useState<unknown>(null);
    const [isBusy, setIsBusy] = useState(false);
    const confirm = () => {
        if (isBusy) return;
        setIsBusy(true);
        onConfirm()
            .then(onClose, setError)
            .finally(() => {
                setIsBusy(false);
            });
    };
    return (
        <Dialog open onClose={onClose} aria-labelledby={id} fullWidth maxWidth="xs">
            <DialogTitle id={id}>{title}</DialogTitle>
            <DialogContent>
                <Stack spacing={2}>
                    <div>{children}</div>
                    {typed !== undefined && (
                        <TextField
                            label={`Type “${typed}” to go on`}
                            value={text}
                            onChange={(event) => {
                                setText(event.target.value);
                            }}
                        />
                    )}
                    {error !== null && <Alert severity="error">{messageOf(error)}</Alert>}
                </Stack>
            </DialogContent>
            <DialogActions>
                <Button onClick={onClose}>Cancel</Button>
                <Button
                    color="error"
                    variant="contained"
                    // Not disabled while it is busy: it would lose the focus, and the dialog its keys.
                    aria-busy={isBusy}
                    disabled={typed !== undefined && text !== typed}
                    onClick={confirm}
                >
                    {action}
                </Button>
            </DialogActions>
        </Dialog>
    );
}
