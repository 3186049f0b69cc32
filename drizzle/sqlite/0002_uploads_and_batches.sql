CREATE TABLE `asset_calls` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`begun_mono` integer NOT NULL,
	`ended_mono` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `batches` (
	`id` text PRIMARY KEY NOT NULL,
	`caller` text NOT NULL,
	`size` integer NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `uploads` (
	`media_id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`caller` text NOT NULL,
	`size_bytes` integer NOT NULL,
	`sha256` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_mono` integer NOT NULL,
	`is_kept` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `uploads_by_caller` ON `uploads` (`caller`,`size_bytes`) WHERE is_kept = 1;--> statement-breakpoint
CREATE INDEX `uploads_by_expiry` ON `uploads` (`expires_mono`) WHERE is_kept = 1;--> statement-breakpoint
CREATE INDEX `uploads_by_content` ON `uploads` (`sha256`);--> statement-breakpoint
CREATE TABLE `upstream_assets` (
	`sha256` text NOT NULL,
	`upstream` text NOT NULL,
	`url` text NOT NULL,
	PRIMARY KEY(`sha256`, `upstream`)
);
--> statement-breakpoint
ALTER TABLE `tasks` ADD `video_sha256` text;--> statement-breakpoint
ALTER TABLE `tasks` ADD `audio_sha256` text;--> statement-breakpoint
ALTER TABLE `tasks` ADD `batch_id` text;--> statement-breakpoint
ALTER TABLE `tasks` ADD `sent_video_url` text;--> statement-breakpoint
ALTER TABLE `tasks` ADD `sent_audio_url` text;--> statement-breakpoint
CREATE INDEX `tasks_by_batch` ON `tasks` (`batch_id`,`created_at`,`id`) WHERE batch_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `tasks_by_batch_and_stage` ON `tasks` (`batch_id`,`stage`,`created_at`,`id`) WHERE batch_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `tasks_by_uploaded_video` ON `tasks` (`video_sha256`,`stage`) WHERE video_sha256 IS NOT NULL;--> statement-breakpoint
CREATE INDEX `tasks_by_uploaded_audio` ON `tasks` (`audio_sha256`,`stage`) WHERE audio_sha256 IS NOT NULL;--> statement-breakpoint
ALTER TABLE `transitions` ADD `batch_id` text;--> statement-breakpoint
ALTER TABLE `transitions` ADD `sent_video_url` text;--> statement-breakpoint
ALTER TABLE `transitions` ADD `sent_audio_url` text;--> statement-breakpoint
CREATE INDEX `transitions_by_batch` ON `transitions` (`batch_id`,`seq`) WHERE batch_id IS NOT NULL;