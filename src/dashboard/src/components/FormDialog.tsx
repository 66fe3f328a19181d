import {
    Alert,
    Button,
    Dialog,
    DialogActions,
    DialogContent,
    DialogTitle,
    Stack,
} from '@mui/material';
import { useId, useState, type ReactNode } from 'react';

import { messageOf } from './States';

interface FormDialogProps {
    title: string;
    /** What the button says that saves. */
    action: string;
    children: ReactNode;
    /** Saves; what it throws is shown, and the form stays. */
    onSubmit: () => Promise<unknown>;
    onClose: () => void;
}

/** A form in a dialog, shown while it is rendered. */
export function FormDialog({ title, action, children, onSubmit, onClose }: FormDialogProps) {
    const id = useId();
    const [error, setError] = useState<unknown>(null);
    const [isBusy, setIsBusy] = useState(false);
    const submit = () => {
        setIsBusy(true);
        setError(null);
        onSubmit()
            .then(onClose, setError)
            .finally(() => {
                setIsBusy(false);
            });
    };
    return (
        <Dialog open onClose={onClose} aria-labelledby={id} fullWidth maxWidth="sm">
            <form
                onSubmit={(event) => {
                    event.preventDefault();
                    submit();
                }}
            >
                <DialogTitle id={id}>{title}</DialogTitle>
                <DialogContent>
                    <Stack spacing={2} sx={{ pt: 1 }}>
                        {children}
                        {error !== null && <Alert severity="error">{messageOf(error)}</Alert>}
                    </Stack>
                </DialogContent>
                <DialogActions>
                    <Button onClick={onClose}>Cancel</Button>
                    <Button type="submit" variant="contained" disabled={isBusy}>
                        {action}
                    </Button>
                </DialogActions>
            </form>
        </Dialog>
    );
}
