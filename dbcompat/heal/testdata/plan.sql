LOCK TABLE "public"."users" IN SHARE ROW EXCLUSIVE MODE;
CREATE SEQUENCE "public"."heal_users_display_name_f03d447b_count";
CREATE SEQUENCE "public"."heal_users_display_name_f03d447b_last";
SELECT setval('"public"."heal_users_display_name_f03d447b_last"', (extract(epoch FROM clock_timestamp()) * 1000)::bigint, false);
CREATE FUNCTION "public"."heal_users_display_name_f03d447b"() RETURNS trigger LANGUAGE plpgsql
	SET search_path = "public", pg_temp
	AS $heal$
BEGIN
	"new"."display_name" := "new"."name";
	PERFORM nextval('"public"."heal_users_display_name_f03d447b_count"'), setval('"public"."heal_users_display_name_f03d447b_last"', (extract(epoch FROM clock_timestamp()) * 1000)::bigint);
	RETURN NEW;
END
$heal$;
GRANT USAGE, UPDATE ON SEQUENCE "public"."heal_users_display_name_f03d447b_count", "public"."heal_users_display_name_f03d447b_last" TO PUBLIC;
CREATE TRIGGER "zzz_heal_users_display_name_f03d447b_insert" BEFORE INSERT ON "public"."users" FOR EACH ROW
	WHEN (("new"."display_name" IS DISTINCT FROM "new"."name") AND ("new"."display_name" IS NULL OR ("new"."name" IS DISTINCT FROM "new"."display_name")) AND NOT ("new"."name" IS NULL))
	EXECUTE FUNCTION "public"."heal_users_display_name_f03d447b"();
CREATE TRIGGER "zzz_heal_users_display_name_f03d447b_update" BEFORE UPDATE ON "public"."users" FOR EACH ROW
	WHEN (NOT ("new"."display_name" IS DISTINCT FROM "old"."display_name") AND ("new"."name" IS DISTINCT FROM "old"."name") AND ("new"."display_name" IS DISTINCT FROM "new"."name") AND ("new"."display_name" IS NULL OR ("new"."name" IS DISTINCT FROM "new"."display_name")))
	EXECUTE FUNCTION "public"."heal_users_display_name_f03d447b"();
COMMENT ON FUNCTION "public"."heal_users_display_name_f03d447b"() IS 'handover: heals "public"."users" 5f9b9b7722dad8a2';
