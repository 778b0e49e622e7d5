"""Tests of what is Linux's alone: left out where a build does without it (fastfork/port.py).

Runs in: cli
"""

from __future__ import annotations

from typing import Final

# Reason -> the tests: files of tests/server, and names in any.
LEFT_OUT: Final = {
    "no process adopts orphans, so there is no template (prctl(2))": """
        test_template.py test_template_imports.py test_child_exit_is_called_for_a_template_too
        test_hooks_are_called_in_order_and_in_their_process test_config_file_does_its_work
        test_template_that_was_a_worker_has_the_application_without_hooks
        test_template_and_new_program_whose_end_other_code_has_waited_for_are_missed
        test_preloaded_application_is_loaded_once_and_anew_by_a_reload
        test_buffer_of_before_the_fork_is_written_once
        test_template_and_its_workers_have_none_either test_template_without_a_directory_forks_on
    """,
    "nobody is told when a parent dies (prctl(2))": """
        test_arbiter_orphans.py test_killed_arbiter_leaves_an_address_that_can_be_bound_at_once
        test_orphan_in_a_system_call_goes_within_graceful_timeout
        test_orphan_that_is_stuck_in_c_goes_within_graceful_timeout
        test_signal_of_a_parents_death_means_nothing_while_the_arbiter_lives
        test_worker_of_another_user_notices_that_the_arbiter_died
    """,
    "what is not read is not watched for its end (epoll(7), EPOLLHUP)": """
        test_view_is_cancelled_when_its_client_leaves
        test_application_hears_of_a_tls_client_that_leaves
        test_client_that_left_cancels_its_request_after_the_grace
        test_grace_of_a_client_that_left_ends_with_its_request
        test_task_of_a_client_that_has_left_goes_on_unless_it_is_to_be_cancelled
        test_task_that_has_ended_in_time_leaves_others_alone
        test_client_that_leaves_the_line_is_let_go test_requests_leave_nothing_behind
    """,
    "no filter stops connections that are made (socket(7), SO_ATTACH_FILTER)": """
        test_nobody_new_comes_in_once_the_stop_has_begun
    """,
    "nothing tells of memory, queues and descriptors (proc(5), tcp(7))": """
        test_connections_that_nobody_accepts_are_seen_in_the_queue
        test_metrics_are_text_that_prometheus_parses_and_are_those_of_the_table
        test_limit_below_what_the_application_needs_does_not_fork_without_end
        test_worker_that_has_grown_is_replaced_without_a_gap
        test_body_that_a_child_reads_too_is_whole_for_the_parent
    """,
    "a pipe cannot be opened once more, so that it waits for nobody (proc(5))": """
        test_standard_error_that_nobody_reads_stops_nothing
        test_standard_error_that_nobody_reads_costs_lines_and_no_answer
    """,
    "it is about these calls: accept4, epoll, eventfd, timerfd, openat2, sendfile": """
        test_refused_system_call_ends_the_server_with_a_line test_epoll_is_used_where_it_is
        test_shortage_of_the_system_is_told_and_waited_out
        test_other_files_are_sent_by_sendfile_or_in_blocks
        test_answers_differ_from_those_of_nginx_where_the_table_says_so
        test_slow_call_is_followed_by_no_tick test_upgrade_keeps_unix_sockets
        test_requests_now_and_then_wake_no_thread_besides_their_own
        test_what_was_patched_away_is_still_there
    """,
    "there is one line more": "test_log_begins_with_what_runs_where",
}


def reason_for(file: str, test: str) -> str | None:
    """Why a test is left out; None when it is not."""
    for reason, names in LEFT_OUT.items():
        if file in names.split() or test in names.split():
            return reason
    return None
