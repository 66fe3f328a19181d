import { Alert, Button } from '@mui/material';
import { Component, type ReactNode } from 'react';

interface ErrorBoundaryProps {
    children: ReactNode;
}

interface ErrorBoundaryState {
    error: Error | null;
}

/** Keeps a defect in one page from taking the whole dashboard away. */
export class ErrorBoundary extends Component<ErrorBoundaryProps, ErrorBoundaryState> {
    override state: ErrorBoundaryState = { error: null };

    static getDerivedStateFromError(error: Error): ErrorBoundaryState {
        return { error };
    }

    override render() {
        if (this.state.error === null) return this.props.children;
        const reload = (
            <Button
                color="inherit"
                onClick={() => {
                    window.location.reload();
                }}
            >
                Reload
            </Button>
        );
        return (
            <Alert severity="error" action={reload}>
                This page cannot be shown: {this.state.error.message}
            </Alert>
        );
    }
}
